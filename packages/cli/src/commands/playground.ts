import { createServer } from 'node:net'
import { printLines, UsageError } from '@countersign/fetch/internal'
import { playAttacks, playScenarios, type ScenarioName, scenarioNames, startPlayground } from '@countersign/playground'
import { commandFile } from '../own-files.js'

/** The flags of `countersign playground`. */
export interface PlaygroundFlags {
  readonly port: string
  readonly scenario?: string
  readonly attacks?: boolean
  readonly json?: boolean
}

/** `countersign playground`: runs the participants and the page until it is stopped; or plays one scenario, or makes every attack. */
export async function playground(flags: PlaygroundFlags): Promise<void> {
  const base = Number(flags.port)
  if (!Number.isInteger(base) || base < 1 || base > 65_495)
    throw new UsageError('--port must be a number between 1 and 65495')
  const names = flags.scenario === undefined ? undefined : namesOf(flags.scenario)
  if (flags.attacks === true && names !== undefined) throw new UsageError('give one of --scenario and --attacks')
  await checkPorts(base)
  if (flags.attacks === true) {
    const held = await playAttacks({
      base,
      countersign: commandFile,
      json: flags.json ?? false,
      write: line => printLines(line),
    })
    process.exitCode = held ? 0 : 1
    return
  }
  if (names === undefined) {
    await startPlayground({ base, countersign: commandFile })
    return
  }
  const right = await playScenarios({
    base,
    countersign: commandFile,
    names,
    json: flags.json ?? false,
    write: line => printLines(line),
  })
  process.exitCode = right ? 0 : 1
}

/** The ports of the page and the participants, as offsets from the first port. */
const offsets = [0, 10, 20, 21, 30, 31, 40, 50, 60]

/** Checks all ports before any participant starts. */
async function checkPorts(base: number): Promise<void> {
  const ports = offsets.map(offset => base + offset)
  const free = await Promise.all(ports.map(isFree))
  const taken = ports.filter((_, index) => free[index] !== true)
  if (taken.length === 0) return
  const which = taken.length === 1 ? `port ${taken[0]} is` : `ports ${taken.join(', ')} are`
  throw new UsageError(
    `${which} in use: end the program that listens there (another playground?), or give another first --port`,
  )
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'))
    server.listen(port, 'localhost', () => server.close(() => resolve(true)))
  })
}

function namesOf(scenario: string): readonly ScenarioName[] {
  if (scenario === 'all') return scenarioNames
  const name = scenarioNames.find(known => known === scenario)
  if (name === undefined)
    throw new UsageError(`there is no scenario of that name; use ${scenarioNames.join(', ')} or all`)
  return [name]
}
