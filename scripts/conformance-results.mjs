// Writes docs/conformance-results.md: what the conformance suite says of this project's own implementations. It runs the test
// that judges them all, and that compares the page. Needs a build and some minutes.
import { spawnSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { root } from './install.mjs'

const marks = { passed: 'ok', failed: '**failed**', warning: 'warning', skipped: '?', 'not applicable': '–' }
const levels = ['core', 'consent', 'delegates', 'chain', 'delegation']
const reached = { reached: 'yes', 'not reached': '**no**', 'not judged': '' }

/**
 * The page of a report.
 * @param report what `conformance report --json` prints
 * @param notes why an implementation fails what it fails, by its name
 */
export function resultsPage({ suite, implementations, clauses }, notes) {
  const numbered = implementations.map((one, at) => ({ ...one, number: at + 1 }))
  return [
    '# What the conformance suite says of our own implementations',
    '',
    '<!-- made by scripts/conformance-results.mjs -->',
    '',
    `[The suite](conformance.md) judges every participant of this project from outside, as processes: the guards of five frameworks, the gateway before an upstream and before an MCP server, the agent server as a command and as a library, the auth server, and two agents. This is the merged matrix of version ${suite.version}, edition \`${suite.edition}\`, run with \`--slow\`. A test of the long tier runs all of it again and compares.`,
    '',
    '## Levels and counts',
    '',
    `| | | judged as | ${levels.join(' | ')} | passed | failed | warning | undecided | not applicable |`,
    `|---|---|---|${levels.map(() => '---|').join('')}---|---|---|---|---|`,
    ...numbered.map(summary),
    '',
    'Counts are of clauses: the worst verdict of its cases counts. An empty cell says that no case of the level applies.',
    '',
    '## What did not pass',
    '',
    ...numbered.flatMap(one => notPassed(one, clauses, notes)),
    '',
    '## Clauses',
    '',
    `The columns are the implementations by their numbers. ok: passed; ?: undecided; –: not applicable; empty: no case for this participant.`,
    '',
    `| clause | ${numbered.map(({ number }) => number).join(' | ')} |`,
    `|---|${numbered.map(() => '---|').join('')}`,
    ...clauses.map(({ id, cells }) => `| \`${id}\` | ${cells.map(cell => marks[cell?.verdict] ?? '').join(' | ')} |`),
    '',
  ].join('\n')
}

function summary({ number, name, participants, clauses: counts, levels: said }) {
  const judged = participants.map(({ role }) => role).join(', ')
  const counted = ['passed', 'failed', 'warning', 'skipped', 'not applicable'].map(verdict => counts[verdict])
  return `| ${number} | ${name} | ${judged} | ${levels.map(level => reached[said[level]]).join(' | ')} | ${counted.join(' | ')} |`
}

function notPassed({ number, name }, clauses, notes) {
  const cases = clauses.flatMap(({ cells }) => cells[number - 1]?.cases ?? [])
  const lines = ['failed', 'warning', 'skipped', 'not applicable'].flatMap(verdict => {
    const ids = cases.filter(one => one.verdict === verdict).map(({ id }) => `\`${id}\``)
    if (ids.length === 0) return []
    const why = verdict === 'failed' && notes.has(name) ? ` ${notes.get(name)}` : ''
    return [`${verdict === 'skipped' ? 'undecided' : verdict}: ${ids.join(' ')}.${why}`]
  })
  return lines.length === 0 ? [`- ${name}: everything passed.`] : [`- ${name}: ${lines.join(' ')}`]
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'all', 'tests/conformance/ours.long.ts', '-u']
  const env = { ...process.env, COUNTERSIGN_LONG: '1' }
  process.exitCode = spawnSync(process.execPath, vitest, { cwd: root, env, stdio: 'inherit' }).status ?? 1
}
