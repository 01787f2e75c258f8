import { fileURLToPath } from 'node:url'
import { printLines, UsageError } from '@countersign/fetch'
import { playScenarios, type ScenarioName, scenarioNames, startPlayground } from '@countersign/playground'

/** Flags of `countersign playground`. */
export interface PlaygroundFlags {
  readonly port: string
  readonly scenario?: string
  readonly json?: boolean
}

const command = fileURLToPath(new URL('../../bin/countersign.js', import.meta.url))

/** `countersign playground`: the participants and the page, until it is stopped; or one story, then its verdict. */
export async function playground(flags: PlaygroundFlags): Promise<void> {
  const base = Number(flags.port)
  if (!Number.isInteger(base) || base < 1 || base > 65_495)
    throw new UsageError('--port must be a number between 1 and 65495')
  if (flags.scenario === undefined) {
    await startPlayground({ base, countersign: command })
    return
  }
  const names = namesOf(flags.scenario)
  const right = await playScenarios({
    base,
    countersign: command,
    names,
    json: flags.json ?? false,
    write: line => printLines(line),
  })
  process.exitCode = right ? 0 : 1
}

function namesOf(scenario: string): readonly ScenarioName[] {
  if (scenario === 'all') return scenarioNames
  const name = scenarioNames.find(known => known === scenario)
  if (name === undefined)
    throw new UsageError(`no scenario of that name; there are ${scenarioNames.join(', ')} and all`)
  return [name]
}
