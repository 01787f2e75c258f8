// Who takes part, and what they give each other: the arrows are those of the runs.
import { labelOf } from './label.mjs'
import { arrow, box, figure, text } from './svg.mjs'

const size = { width: 200, height: 58 }
const places = {
  user: { x: 330, y: 24, is: 'user', name: 'in a browser' },
  'https://auth.example': { x: 330, y: 150, is: 'auth server', name: 'auth.example' },
  'https://agent.example': { x: 24, y: 290, is: 'agent', name: 'a phone, a CLI, a pod' },
  'https://calendar.example': { x: 636, y: 290, is: 'resource', name: 'calendar.example' },
  server: { x: 24, y: 430, is: 'agent server', name: 'agent.example' },
}

/** Where the text of an arrow stands, and what must have been seen in the runs for it. */
const arrows = [
  {
    from: 'user',
    to: 'https://auth.example',
    seen: /signs in/,
    lines: ['signs in, and decides'],
    at: { x: 442, y: 120, anchor: 'start' },
  },
  {
    from: 'https://agent.example',
    to: 'https://auth.example',
    seen: /request_type=auth, resource_token/,
    lines: ['resource token'],
    at: { x: 262, y: 234, anchor: 'end' },
    shift: -14,
  },
  {
    from: 'https://auth.example',
    to: 'https://agent.example',
    seen: /^200 auth_token/,
    lines: ['auth token, bound', 'to the agent’s key'],
    at: { x: 304, y: 262, anchor: 'start' },
    shift: 14,
  },
  {
    from: 'https://agent.example',
    to: 'https://calendar.example',
    seen: /^GET /,
    lines: ['signed requests'],
    at: { x: 430, y: 302, anchor: 'middle' },
    shift: -8,
  },
  {
    from: 'https://calendar.example',
    to: 'https://agent.example',
    seen: /^401 Agent-Auth: .*resource_token/,
    lines: ['challenge, with a resource token'],
    at: { x: 430, y: 346, anchor: 'middle' },
    shift: 8,
  },
  {
    from: 'server',
    to: 'https://agent.example',
    seen: undefined,
    lines: ['agent token, bound to the agent’s key'],
    at: { x: 136, y: 394, anchor: 'start' },
  },
]

/** Draws them, where each arrow stands for messages of the runs. */
export function drawParticipants(runs) {
  const messages = runs.flatMap(run => run.messages)
  for (const one of arrows) if (!isSeen(one, messages, runs)) throw new Error(`no run has ${one.lines[0]}`)
  const about = arrows.map(({ from, to, lines }) => `${places[from].is} to ${places[to].is}: ${lines.join(' ')}.`)
  return figure(
    { width: 860, height: 512, title: 'The participants, and what they give each other', about: about.join(' ') },
    [
      ...arrows.flatMap(drawArrow),
      ...Object.values(places).flatMap(({ x, y, ...who }) => box({ x, y, ...size }, who)),
      text('an HTTPS origin with published keys', { x: 236, y: 464, kind: 'soft', anchor: 'start' }),
    ],
  )
}

/** An agent server gives agent tokens under its agent's own name: the requests of an enrolment. */
function isSeen({ from, to, seen }, messages, runs) {
  if (from === 'server')
    return runs.some(({ enrolled = [] }) => enrolled.some(({ request }) => request?.target === '/delegate/token'))
  return messages.some(
    message => message.from === from && message.to === to && seen.test(labelOf(message).lines.join(' ')),
  )
}

function drawArrow({ from, to, lines, at, shift = 0 }) {
  const [start, end] = [edge(places[from], places[to], shift), edge(places[to], places[from], shift)]
  return [arrow(start, end), ...lines.map((line, index) => text(line, { ...at, y: at.y + index * 17 }))]
}

/** Where the straight line to another box leaves this one, moved sideways. */
function edge(own, other, shift) {
  const middle = ({ x, y }) => ({ x: x + size.width / 2, y: y + size.height / 2 })
  const [a, b] = [middle(own), middle(other)]
  const [dx, dy] = [b.x - a.x, b.y - a.y]
  const scale = Math.min(size.width / 2 / Math.abs(dx || 1e-9), size.height / 2 / Math.abs(dy || 1e-9))
  const isLevel = Math.abs(dy) < size.height
  return {
    x: Math.round(a.x + dx * scale + (isLevel ? 0 : shift)),
    y: Math.round(a.y + dy * scale + (isLevel ? shift : 0)),
  }
}
