// A sequence diagram: a lane for each participant, and an arrow for each message, from the top down.
import { labelOf } from './label.mjs'
import { arrow, box, figure, text, wrapped } from './svg.mjs'

const lane = 212
const margin = 24
const boxes = { width: 180, height: 52 }
const lineHeight = 16
/** Of a monospaced character of the figures. */
const characterWidth = 7.4

/** Draws a run. */
export function drawSequence({ title, about, lanes, messages }) {
  const places = new Map(lanes.map(({ id }, at) => [id, margin + boxes.width / 2 + at * lane]))
  const width = margin * 2 + boxes.width + (lanes.length - 1) * lane
  const steps = []
  let y = margin + boxes.height + 22
  for (const message of messages) {
    const step = stepOf(message, places)
    steps.push({ ...step, y })
    y += step.height
  }
  const bottom = y
  return figure({ width, height: bottom + margin, title, about: `${about} ${steps.map(inWords(lanes)).join(' ')}` }, [
    ...lanes.flatMap(one => laneOf(one, places.get(one.id), bottom)),
    ...steps.flatMap(drawStep),
  ])
}

function laneOf(one, x, bottom) {
  const top = margin + boxes.height
  return [
    `<path class="lane" d="M${x} ${top} V${bottom}"/>`,
    ...box({ x: x - boxes.width / 2, y: margin, ...boxes }, one),
  ]
}

function stepOf(message, places) {
  const [from, to] = [places.get(message.from), places.get(message.to)]
  const { lines, shows, note } = labelOf(message)
  const most = Math.floor((Math.abs(to - from) - 16) / characterWidth)
  const all = lines.flatMap(line => wrapped(line, most))
  const height = (all.length + (note === undefined ? 0 : 1)) * lineHeight + 24
  return { message, from, to, lines: all, shows, note, height }
}

function drawStep({ message, from, to, lines, shows, note, y, height }) {
  const middle = (from + to) / 2
  const arrowY = y + height - 16
  const texts = lines.map((line, at) => text(line, { x: middle, y: y + 10 + at * lineHeight, kind: 'mono label' }))
  const noted =
    note === undefined ? [] : [text(note, { x: middle, y: y + 10 + lines.length * lineHeight, kind: `label ${shows}` })]
  const away = from < to ? 3 : -3
  const kind = message.response === undefined ? '' : 'answer'
  return [...texts, ...noted, arrow({ x: from + away, y: arrowY }, { x: to - away, y: arrowY }, kind)]
}

/** The step for those who do not see the figure. */
function inWords(lanes) {
  const nameOf = id => lanes.find(one => one.id === id).is
  return ({ message, note }, at) => {
    const said = labelOf(message).lines.join(' ')
    return `${at + 1}. The ${nameOf(message.from)} to the ${nameOf(message.to)}: ${said}${note === undefined ? '' : ` (${note})`}.`
  }
}
