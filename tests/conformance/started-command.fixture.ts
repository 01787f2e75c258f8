import { commandOfModules, countersign } from '../processes.fixture.js'
import type { Mutant } from './mutants.fixture.js'
import { type Started, startedNode } from './site.fixture.js'

/** The `countersign` command; with a mutant, one line of it is another. */
export function startedCommand(mutant: Mutant | undefined): Started {
  const { program, env } = startedNode(mutant)
  return { program: [...program, mutant === undefined ? countersign : commandOfModules], env }
}
