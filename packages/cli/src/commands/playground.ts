import { createServer } from 'node:net'
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
  const names = flags.scenario === undefined ? undefined : namesOf(flags.scenario)
  await checkPorts(base)
  if (names === undefined) {
    await startPlayground({ base, countersign: command })
    return
  }
  const right = await playScenarios({
    base,
    countersign: command,
    names,
    json: flags.json ?? false,
    write: line => printLines(line),
  })
  process.exitCode = right ? 0 : 1
}

/** Of the page and of the participants, from the first port on. */
const offsets = [0, 10, 20, 21, 30, 31, 40, 50, 60]

/** Before anything is started: with one port in use, some participants would run and others not. */
async function checkPorts(base: number): Promise<void> {
  const ports = offsets.map(offset => base + offset)
  const free = await Promise.all(ports.map(isFree))
  const taken = ports.filter((_, index) => free[index] !== true)
  if (taken.length === 0) return
  const which = taken.length === 1 ? `port ${taken[0]} is` : `ports ${taken.join(', ')} are`
  throw new UsageError(`${which} in use: end what listens there (another playground?), or give another first --port`)
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
    throw new UsageError(`no scenario of that name; there are ${scenarioNames.join(', ')} and all`)
  return [name]
}
