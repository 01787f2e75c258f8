// What docs/model.md and docs/model-traces.md say of the results.
import { join } from 'node:path'
import { folder } from './read.mjs'
import { notInSuite, suiteCases } from './suite.mjs'

/** What the last run found, which the pages are made of. */
export const resultsFile = join(folder, 'results.json')

const opening = '<!-- results: made by scripts/model.mjs -->'
const closing = '<!-- end of results -->'

/** docs/model.md with its results, between two comments, replaced. */
export function withTable(page, models, results) {
  const [before, rest] = page.split(`${opening}\n`)
  const [, after] = rest?.split(closing) ?? []
  if (after === undefined) throw new Error('the page has no place for the results')
  const tables = models.map(model => tableOf(model, results[model.name]))
  return `${before}${opening}\n\n${[...tables, suiteList(models)].join('\n')}\n${closing}${after}`
}

/** Which of the attacks the conformance suite runs, and why not the others. */
function suiteList(models) {
  const all = models.flatMap(({ protections }) => protections)
  const run = all.filter(one => suiteCases(one).length > 0)
  const open = notInSuite(models)
  const inside = open.filter(({ why }) => why !== undefined)
  const missing = open.filter(({ why }) => why === undefined)
  return [
    `**In the [conformance suite](conformance.md)**: the attacks on ${run.length} of ${all.length} protections are cases that it runs against any implementation. The column *suite* says what is judged by them, and names the case where it has another id.`,
    '',
    ...(inside.length === 0 ? [] : ['Only tests inside can run these, and why:', '']),
    ...inside.map(({ id, clause, why }) => `- ${id} (\`${clause}\`): ${why}`),
    ...(inside.length === 0 ? [] : ['']),
    ...(missing.length === 0
      ? []
      : [`No case yet, though they show from outside: ${missing.map(({ id }) => id).join(', ')}.`, '']),
  ].join('\n')
}

function tableOf(model, rows) {
  const [whole] = rows
  const goals = rows.filter(({ title }) => title.startsWith('honest run ')).length
  return [
    `**[${model.name}](../model/${model.name}.pml)**: ${whole.states} states with all protections, and no property breaks. ${goals} honest runs end.`,
    '',
    '| without this protection | clause | breaks | steps | case | suite |',
    '|---|---|---|---|---|---|',
    ...model.protections.map(protection => lineOf(model, protection, rows)),
    '',
    ...model.assumptions.map(assumption => needed(model, assumption, rows)),
  ].join('\n')
}

function lineOf(model, protection, rows) {
  const { name, clause, also, reason } = protection
  const found = rows.find(row => row.name === name)
  const what = reason === undefined ? brokenBy(found, also) : `nothing: ${reason}`
  const steps = reason === undefined ? `[${found.steps.length}](model-traces.md#${anchor(model, name)})` : ''
  return `| ${words(name)} | \`${clause}\` | ${what} | ${steps} | ${protection.case} | ${suiteWords(protection)} |`
}

/** Which participants are judged by the attack, and by which case where it has another id. */
function suiteWords(protection) {
  return suiteCases(protection)
    .map(({ role, id }) => (id === protection.case ? role : `${role} \`${id}\``))
    .join(', ')
}

/** What a model takes for granted, and what comes of it where that does not hold. */
function needed(model, { name, property }, rows) {
  const { steps } = rows.find(row => row.name === name)
  const link = `[${steps.length} steps](model-traces.md#${anchor(model, name)})`
  return `Assumed: *${words(name)}*. Without that, *${words(property)}* breaks in ${link}, and no protection of the protocol stops it.\n`
}

const brokenBy = ({ broken }, also) =>
  `*${words(broken)}*${also === undefined ? '' : `, but only without *${words(also)}*, too`}`

/** docs/model-traces.md, whole. */
export function tracesPage(models, results) {
  const parts = models.map(model => {
    const traces = model.protections.filter(({ reason }) => reason === undefined)
    const all = [...traces, ...model.assumptions]
    return `## ${model.name}\n\n${all.map(removed => traceOf(model, removed, results[model.name])).join('\n')}`
  })
  return `# Attacks without a protection

The shortest run against each model of [model.md](model.md) with one protection removed, as the checker finds it.
Each is an attack that the protocol stops by the named clause, and a case that tests run against our code. \`npm run model -- --write\` makes this page.

${parts.join('\n')}`
}

function traceOf(model, { name, clause, also, case: id }, rows) {
  const { steps, broken } = rows.find(row => row.name === name)
  const second = also === undefined ? '' : ` and *${words(also)}*`
  return [
    `### ${title(model, name)}`,
    '',
    `${clause === undefined ? 'An assumption' : `\`${clause}\`, ${id}`}. Without it${second} *${words(broken)}* breaks:`,
    '',
    ...steps.map((step, at) => `${at + 1}. ${step}`),
    '',
  ].join('\n')
}

const title = (model, name) => `${model.name} without ${words(name)}`
const anchor = (model, name) => title(model, name).replaceAll(' ', '-')
const words = name => name.replaceAll('_', ' ')
