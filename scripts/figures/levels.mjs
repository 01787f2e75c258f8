// The four levels as a staircase: what the agent shows on each, what the resource then knows, and the call that passed there.
import { levelOf } from './label.mjs'
import { figure, text, wrapped } from './svg.mjs'

const step = { width: 196, rise: 46, height: 146 }
const margin = 24

const levels = {
  anonymous: ['no signature', 'the resource knows an IP address'],
  pseudonymous: ['a signature by a bare key', 'the same key came back'],
  identified: ['a key of its name, or an agent token', 'which agent calls, and which delegate'],
  authorized: ['an auth token, bound to its key', 'what was allowed, and for whom'],
}

/** Draws the staircase, with the calls of a run that passed. */
export function drawLevels({ messages }) {
  const names = Object.keys(levels)
  const passed = names.map(name => passedAt(messages, name))
  const width = margin * 2 + names.length * step.width
  const height = margin * 2 + step.height + (names.length - 1) * step.rise
  const about = names.map((name, at) => `${name}: ${levels[name].join('; ')}; ${passed[at]} passed.`).join(' ')
  return figure(
    { width, height, title: 'The four levels: an agent climbs as far as a resource asks', about },
    names.flatMap((name, at) => drawStep(name, { at, passed: passed[at], bottom: height - margin })),
  )
}

/** The request that was answered by 200 at this level. */
function passedAt(messages, level) {
  const at = messages.findIndex(
    ({ request, to }, index) =>
      request !== undefined &&
      to === 'https://calendar.example' &&
      messages[index + 1].response.status === 200 &&
      levelOf(request.headers.get('signature-key')) === level,
  )
  if (at === -1) throw new Error(`no call passed at level ${level}`)
  return `${messages[at].request.method} ${messages[at].request.target}`
}

function drawStep(name, { at, passed, bottom }) {
  const x = margin + at * step.width
  const y = bottom - step.height - at * step.rise
  const middle = x + step.width / 2
  const [shows, known] = levels[name].map(line => wrapped(line, 26))
  const lines = [
    [name, `name ${name}`],
    ...shows.map(line => [line, '']),
    ...known.map(line => [line, 'soft']),
    [`200 ${passed}`, 'mono'],
  ]
  return [
    `<rect class="box" x="${x + 2}" y="${y}" width="${step.width - 4}" height="${bottom - y}" rx="6"/>`,
    ...lines.map(([line, kind], row) => text(line, { x: middle, y: y + 26 + row * 20, kind })),
  ]
}
