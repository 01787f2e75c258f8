// Checks the models of the protocol (model/): `npm run model`, which needs spin and gcc.
// With `-- --write` it also writes what it found to model/results.json, docs/model.md and docs/model-traces.md.
// `-- MODEL …` checks these models only, such as `authorization`. `-- --pages` only writes the pages of model/results.json anew:
// their tables name the cases of the conformance suite.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './install.mjs'
import { checkModel } from './model/check.mjs'
import { resultsFile, tracesPage, withTable } from './model/page.mjs'
import { readModels } from './model/read.mjs'
import { missingPrograms } from './model/spin.mjs'

const parameters = process.argv.slice(2)
const names = parameters.filter(parameter => !['--write', '--pages'].includes(parameter))
const write = parameters.includes('--write')
const before = JSON.parse(readFileSync(resultsFile, 'utf8'))
if (parameters.includes('--pages')) {
  writePages(before)
  process.exit()
}
const models = readModels().filter(({ name }) => names.length === 0 || names.includes(name))

const missing = missingPrograms()
if (missing.length > 0) fail(`The model checker needs ${missing.join(' and ')}: apt-get install spin gcc libc6-dev`)
if (models.length < new Set(names).size)
  fail(
    `There are these models: ${readModels()
      .map(({ name }) => name)
      .join(', ')}`,
  )

let faults = 0
const results = Object.fromEntries(models.map(model => [model.name, checked(model)]))
const after = { ...before, ...results }
if (write) writeAll(after)
else if (withoutStates(before) !== withoutStates(after))
  fault('The results differ from model/results.json: write them anew.')
if (faults > 0) process.exitCode = 1
else console.log('\nEverything is as expected.')

/** Runs all searches of a model, and prints them as they end. */
function checked(model) {
  console.log(`\n${model.name}: ${model.protections.length} protections`)
  console.log(line('search', 'breaks', 'steps', 'states', 'seconds'))
  return checkModel(model).map(({ seconds, fault: wrong, ...found }) => {
    console.log(line(found.title, found.broken ?? '–', found.steps.length || '–', found.states, seconds.toFixed(1)))
    if (wrong) fault(wrong)
    return found
  })
}

function line(search, ...rest) {
  const widths = [26, 6, 9, 8]
  return `  ${search.padEnd(72)}${rest.map((value, at) => String(value)[at === 0 ? 'padEnd' : 'padStart'](widths[at])).join('')}`
}

function withoutStates(found) {
  return JSON.stringify(found, (key, value) => (key === 'states' ? undefined : value))
}

function writeAll(found) {
  writeFileSync(resultsFile, `${JSON.stringify(found, null, 2)}\n`)
  writePages(found)
}

function writePages(found) {
  const page = join(root, 'docs/model.md')
  writeFileSync(page, withTable(readFileSync(page, 'utf8'), readModels(), found))
  writeFileSync(join(root, 'docs/model-traces.md'), tracesPage(readModels(), found))
}

function fault(text) {
  faults++
  console.error(`  ✗ ${text}`)
}

function fail(text) {
  console.error(text)
  process.exit(1)
}
