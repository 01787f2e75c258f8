// Which cases of the suite, and which tests, make a check refuse: only those can see it missing. One run tells it for all checks, since
// each writes down when it refuses.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../install.mjs'
import { compileSources } from './compile.mjs'
import { instrumentedSources } from './generate.mjs'
import { openInside } from './inside.mjs'
import { timesOfCases } from './outside.mjs'
import { participants } from './participants.mjs'

/**
 * For each check, by its key, the cases that make it refuse, by participant: `{ on, ids }`, where `on` is the implementation in which most
 * do so.
 */
export async function reachOutside(roles) {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-reach-'))
  try {
    const files = compileSources(instrumentedSources(), folder)
    const built = Object.fromEntries(files.map(({ builtFile, script }) => [builtFile, script]))
    const waiting = roles.flatMap(role => Object.keys(participants[role]).map(name => ({ role, name })))
    const reached = new Map()
    const runNext = async () => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
        const log = join(folder, `${one.role}-${one.name}`)
        note(reached, one, await casesOf(one, { built, log }))
      }
    }
    await Promise.all([runNext(), runNext()])
    return reached
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** For each check, by its key, the cases that make it refuse in one implementation. */
async function casesOf({ role, name }, { built, log }) {
  writeFileSync(log, '')
  const ends = await timesOfCases(role, { built, on: { [role]: name }, env: { MUTANT_REACHED: log } })
  console.log(`${role} on ${name}: ${ends.length} cases`)
  const found = new Map()
  for (const { time, check } of hits(log)) {
    const id = ends.find(end => end.time >= time)?.id
    if (id === undefined || id.startsWith('after:')) continue
    found.set(check, (found.get(check) ?? new Set()).add(id))
  }
  return found
}

function note(reached, { role, name }, found) {
  const names = Object.keys(participants[role])
  for (const [check, ids] of found) {
    const all = reached.get(check) ?? {}
    const before = all[role]
    // Of two that show as much, the one that is named first.
    const isBetter =
      before === undefined ||
      ids.size > before.ids.length ||
      (ids.size === before.ids.length && names.indexOf(name) < names.indexOf(before.on))
    if (isBetter) reached.set(check, { ...all, [role]: { on: name, ids: [...ids] } })
  }
}

function hits(log) {
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => ({ time: Number.parseFloat(line), check: line.slice(line.indexOf(' ') + 1) }))
}

/** For each check, by its key, the tests that make it refuse. */
export async function reachInside(files) {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-reach-'))
  try {
    const texts = instrumentedSources()
    const compiled = compileSources(texts, folder)
    const log = join(folder, 'tests')
    writeFileSync(log, '')
    const sources = Object.fromEntries(texts.map(({ file }, at) => [join(root, file), compiled[at].source]))
    process.env.MUTANT_REACHED = log
    const { runAll, close } = await openInside({ bail: 0 })
    await runAll(files, sources)
    await close()
    const reached = new Map()
    for (const line of readFileSync(log, 'utf8').split('\n').filter(Boolean)) {
      const [check, file, title] = line.split('\t')
      reached.set(check, [...(reached.get(check) ?? []), { file, title }])
    }
    return reached
  } finally {
    delete process.env.MUTANT_REACHED
    rmSync(folder, { recursive: true, force: true })
  }
}
