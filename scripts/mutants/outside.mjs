// Judges a mutant from outside: the suite as its users run it, in a process that shares no module with the mutant.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { root } from '../install.mjs'
import { startParticipant } from './participants.mjs'

const suite = join(root, 'packages/conformance/bin/countersign-conformance.js')
const stamp = pathToFileURL(join(root, 'scripts/mutants/stamp.mjs')).href

/**
 * Runs cases until one fails for what the mutant lacks. Returns that one as `killedBy`, else the ones that were `undecided`, since even
 * their control was refused; `broken` where nothing could be judged.
 */
export async function judgeOutside(role, cases, mutant) {
  const only = cases.flatMap(id => ['--only', id])
  try {
    return await withParticipant(role, mutant, start => firstFailure(start([], only), new Set(cases)))
  } catch (error) {
    return { broken: error.message }
  }
}

/** Runs all cases. Returns when each had ended, in milliseconds since 1970. */
export function timesOfCases(role, mutant) {
  return withParticipant(role, mutant, async start => {
    const { lines } = start(['--import', stamp], [])
    const ends = []
    for await (const line of lines) {
      const [time, verdict, id] = line.split(/\s+/)
      if (/^\d+\.\d+$/.test(time) && verdict !== '') ends.push({ time: Number(time), id })
    }
    return ends
  })
}

async function withParticipant(role, mutant, use) {
  const { args, configuration, env = process.env, stop } = await startParticipant(role, mutant)
  const folder = mkdtempSync(join(tmpdir(), 'countersign-judge-'))
  const config = join(folder, 'offers.json')
  writeFileSync(config, JSON.stringify(configuration))
  // Verbose, it prints a line for each case as it ends.
  const common = ['--verbose', '--config', config, '--seed', '7']
  const start = (node, flags) => run([...node, suite, role, ...common, ...flags, ...args], env)
  try {
    return await use(start)
  } finally {
    await stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function run(args, env) {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise(resolve => child.once('close', resolve))
  let said = ''
  child.stderr.on('data', chunk => {
    said = (said + chunk).slice(-2000)
  })
  return { child, ended, lines: createInterface({ input: child.stdout }), complaint: () => said }
}

async function firstFailure({ child, ended, lines, complaint }, cases) {
  const undecided = []
  let failing
  for await (const line of lines) {
    // The line after that of a failed case says why.
    if (failing !== undefined && !line.includes('could not decide')) {
      child.kill('SIGKILL')
      return { killedBy: failing, undecided }
    }
    if (failing !== undefined) undecided.push(failing)
    const [verdict, id] = line.split(/\s+/)
    failing = verdict === 'FAILED' && cases.has(id) ? id : undefined
  }
  const code = await ended
  return code === 0 || code === 1 ? { undecided } : { broken: complaint(), undecided }
}
