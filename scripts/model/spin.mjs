// Runs the model checker: SPIN writes a verifier in C, gcc compiles it, and it searches all states.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { folder } from './read.mjs'

/** Which of the programs that it needs are missing. */
export function missingPrograms() {
  return ['spin', 'gcc'].filter(program => spawnSync(program, ['-V'], { stdio: 'ignore' }).error !== undefined)
}

/**
 * Searches every state of a model.
 * @param model its name
 * @param defined macros, such as `['REMOVED=token_auth_aud']`
 * @param shortest whether a run that breaks a property should be the shortest one; a search for it needs more memory
 * @returns `states`; where a property breaks, `broken` with its name and `steps` in words; where an honest run ends, `reached`
 */
export function search(model, defined, shortest) {
  const place = mkdtempSync(join(tmpdir(), 'model-'))
  try {
    const source = join(folder, `${model}.pml`)
    const macros = defined.map(definition => `-D${definition}`)
    run('spin', ['-a', ...macros, source], place)
    const kind = shortest ? '-DBFS' : '-DCOLLAPSE'
    run('gcc', ['-w', '-O0', kind, '-DSAFETY', '-o', 'pan', 'pan.c'], place)
    const said = run(join(place, 'pan'), ['-m1000000'], place)
    if (!/errors: 0$/m.test(said)) return { states: states(said), ...replay(model, macros, place) }
    if (/max search depth too small|out of memory|error:|VECTORSZ/.test(said))
      throw new Error(`the search is not complete:\n${said}`)
    return { states: states(said), steps: [] }
  } finally {
    rmSync(place, { recursive: true })
  }
}

function states(said) {
  const count = /^\s*(\d+) states, stored/m.exec(said)?.[1]
  if (count === undefined) throw new Error(`the verifier says no number of states:\n${said}`)
  return Number(count)
}

/** The run that the verifier has found, in the sentences of the model. */
function replay(model, macros, place) {
  const said = run(
    'spin',
    ['-T', '-t', '-k', join(place, `${model}.pml.trail`), ...macros, join(folder, `${model}.pml`)],
    place,
  )
  const lines = said.split('\n').map(line => line.trim())
  const steps = lines.flatMap(line => (line.startsWith('STEP ') ? [sentence(line.slice(5))] : []))
  const broken = lines.find(line => line.startsWith('BROKEN '))?.slice(7)
  return { steps, broken, reached: lines.includes('REACHED') }
}

/** Names of the model, such as `eve_key`, as words. */
const sentence = text => text.replaceAll('_', ' ')

function run(program, parameters, cwd) {
  const { status, stdout, stderr, error } = spawnSync(program, parameters, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${program} ${parameters.join(' ')} ended with ${status}:\n${stdout}${stderr}`)
  return stdout
}
