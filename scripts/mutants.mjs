// Shows that a case of the conformance suite or a test inside sees each missing check: `npm run mutants`, after `npm run build`.
// Each mutant lacks one check that a clause id marks, and a case or test that the list names for it must fail. Those that nothing sees
// yet are in mutants-survivors.txt; where a run differs from it, the exit code is 1.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from './install.mjs'
import { chooseMutants } from './mutants/choose.mjs'
import { findJudges } from './mutants/find-judges.mjs'
import { judgeMutants } from './mutants/judge.mjs'
import { currentMutants, knownSurvivors, listedMutants, listFile, listText, unknownMutants } from './mutants/list.mjs'
import { noteResult } from './mutants/note.mjs'

const usage = `node scripts/mutants.mjs [FLAGS]              after npm run build

Judges the mutants of tests/conformance/mutants.jsonl. Exit code 1: it saw other ones than mutants-survivors.txt says; 2: a wrong flag.
  --only ID          those of an id, a requirement or a file, as in httpsig/signature/verify; may come again
  --group PACKAGE    those of a package; may come again
  --role ROLE        those that a case about it can see: resource, auth-server, agent-server, agent
  --outside          those that a case can see
  --inside           those that only a test inside can see
  --unseen           those that mutants-survivors.txt names
  --sample N         N of them; --seed N chooses which
  --jobs N           how many at once; default 2
  --tests-first      tests before cases: faster where most of what is judged is seen by tests
  --note             writes what was seen and what survived into both files, as soon as each is known

Brings the list up to date:
  --write            finds who can see the mutants that are new or unseen
  --again            with --write: finds it for all
  --tests FILE       with --write: looks at this test file only, and adds its tests; may come again

  --help             prints this
`
const flags = readFlags()
if (flags.help) {
  console.log(usage)
  process.exit(0)
}
const jobs = Number(flags.jobs ?? 2)
const folder = mkdtempSync(join(tmpdir(), 'countersign-mutants-'))
try {
  await (flags.write ? write() : judge())
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function readFlags() {
  const many = { type: 'string', multiple: true }
  const one = { type: 'string' }
  const is = { type: 'boolean' }
  const options = {
    only: many,
    group: many,
    role: one,
    outside: is,
    inside: is,
    unseen: is,
    seed: one,
    sample: one,
    jobs: one,
    note: is,
    'tests-first': is,
    write: is,
    again: is,
    tests: many,
    help: is,
  }
  try {
    const { values } = parseArgs({ options })
    for (const name of ['seed', 'sample', 'jobs'])
      if (!/^([1-9]\d{0,8})?$/.test(values[name] ?? '')) throw new Error(`--${name} takes a whole number`)
    return values
  } catch (error) {
    console.error(`${error.message}\n\n${usage}`)
    process.exit(2)
  }
}

async function judge() {
  const started = performance.now()
  const known = knownSurvivors()
  const all = listedMutants()
  const some = flags.unseen ? all.filter(({ id }) => known.has(id)) : all
  const mutants = chooseMutants(flags.sample === undefined ? some : some.filter(({ id }) => !known.has(id)), flags)
  const results = await judgeMutants(mutants, { folder, jobs, testsFirst: flags['tests-first'], tell })
  console.log(summary(results, (performance.now() - started) / 1000))
  if (flags.note) return
  const isWrong = ({ mutant, seenBy }) => known.has(mutant.id) === (seenBy !== undefined)
  const wrong = results.filter(isWrong).map(({ mutant }) => mutant.id)
  if (wrong.length > 0) console.log(`These differ from mutants-survivors.txt: ${wrong.join(', ')}`)
  // Vitest, which runs here, has set it for the tests that failed as they should.
  process.exitCode = wrong.length > 0 ? 1 : 0
}

function tell(result, at, count) {
  tellResult(result, at, count)
  if (flags.note) noteResult(result)
}

function tellResult({ mutant, seenBy, why }, at, count) {
  const found = seenBy === undefined ? `SURVIVED  ${why}` : `seen by ${seenBy}`
  console.log(`${String(at).padStart(4)}/${count}  ${mutant.id}  ${found}`)
}

function summary(results, seconds) {
  const survivors = results.filter(({ seenBy }) => seenBy === undefined)
  const outside = results.filter(({ from }) => from === 'outside').length
  const inside = results.length - survivors.length - outside
  return [
    '',
    ...survivors.map(
      ({ mutant, why }) => `survived: ${mutant.id}\n  ${mutant.at}: ${mutant.check} → ${mutant.instead}\n  ${why}`,
    ),
    `Of ${results.length} mutants the conformance suite saw ${outside}, tests inside ${inside}, and ${survivors.length} survived. ${seconds.toFixed(0)} s.`,
  ].join('\n')
}

async function write() {
  const survivors = knownSurvivors()
  const wanted = flags.again
    ? listedMutants()
    : [...unknownMutants(currentMutants()), ...listedMutants().filter(one => isUnseen(one) || survivors.has(one.id))]
  const only = flags.tests
  const found =
    wanted.length === 0 ? new Map() : await findJudges(wanted, { files: only ?? testFilesFor(wanted), only, survivors })
  const mutants = listedMutants().map(mutant => withJudges(mutant, found.get(mutant.id)))
  writeFileSync(listFile, listText(mutants))
  console.log(`${mutants.length} mutants, of which nothing can see ${mutants.filter(isUnseen).length}`)
}

/** A mutant with who was found to see it. Where only some tests were looked at, they are added. */
function withJudges(mutant, found) {
  if (found === undefined) return mutant
  if (flags.tests === undefined) return { ...mutant, ...found }
  const before = mutant.tests.filter(
    ({ file, title }) => !found.tests.some(one => one.file === file && one.title === title),
  )
  return { ...mutant, tests: [...found.tests, ...before].slice(0, 30) }
}

function isUnseen({ cases, tests }) {
  return Object.keys(cases).length + tests.length === 0
}

/** The tests of their packages, and of those above that show most of them. They run in moments: others start processes, wait or repeat. */
function testFilesFor(mutants) {
  const packages = new Set(mutants.map(({ file }) => file.split('/')[1]))
  if (packages.has('httpsig') || packages.has('protocol') || packages.has('conditions'))
    for (const above of ['verify', 'resource', 'auth-server', 'user-desk']) packages.add(above)
  return execFileSync('git', ['ls-files', 'packages'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter(file => packages.has(file.split('/')[1]) && /\.test\.tsx?$/.test(file))
    .filter(file => !/crash|previous-release/.test(file))
}
