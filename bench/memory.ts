import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDiscovery } from '@countersign/discovery'
import { memoryRevocationSet } from '@countersign/resource'
import { heldBytes } from '@countersign/testing/held-bytes'
import { freePort } from '@countersign/testing/ports'
import { agentsOnTheWeb } from './discovery.js'
import { type PublishedCommand, publishedCommand } from './published-command.js'
import { type Bench, type Result, result } from './result.js'

const million = 1_000_000
const hundredThousand = 100_000
/** Seconds after the ready line until a server is idle. */
const settle = 20

/** Each server command, with what it cannot do without. */
const servers: Readonly<Record<string, readonly string[]>> = {
  'auth-server': [],
  'agent-server': [],
  gateway: ['--upstream', 'http://localhost:9', '--level', 'anonymous'],
}

/** Megabytes of memory that the system counts for a process; undefined where there is no /proc. */
function residentMegabytes({ pid }: ChildProcess): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kilobytes === undefined ? undefined : (Number(kilobytes) * 1024) / 1e6
  } catch {
    return undefined
  }
}

async function idleRow({ file, folder }: PublishedCommand, name: string): Promise<Result[]> {
  const port = await freePort()
  const args = [
    name,
    '--id',
    `http://localhost:${port}`,
    '--port',
    String(port),
    '--development',
    ...(servers[name] ?? []),
  ]
  const child = spawn(process.execPath, [file, ...args, '--data', join(folder, name)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  try {
    for await (const chunk of child.stdout) if (String(chunk).includes(' ready at ')) break
    await sleep(settle * 1000)
    const megabytes = residentMegabytes(child)
    if (megabytes === undefined) return []
    return [
      result({
        id: `idle ${name}, MB`,
        inFlight: 0,
        ratio: megabytes,
        budget: 90,
        detail: `resident, ${settle} s after its start; a bare Node has about 40`,
      }),
    ]
  } finally {
    child.kill()
    await once(child, 'exit')
  }
}

/** Bytes of one entry of `count`, which `fill` puts into something that stays referenced. */
async function bytesOfEach(count: number, fill: () => Promise<unknown>): Promise<number> {
  const before = heldBytes()
  const filled = await fill()
  const bytes = (heldBytes() - before) / count
  return filled === undefined ? 0 : bytes
}

async function discoveryRow(): Promise<Result> {
  const fetcher = await agentsOnTheWeb()
  const bytes = await bytesOfEach(hundredThousand, async () => {
    const discovery = createDiscovery({ fetcher, maxEntries: 2 * hundredThousand })
    for (let at = 0; at < hundredThousand; at += 100)
      await Promise.all(
        Array.from({ length: 100 }, (_, n) => discovery.key('aauth-agent', `https://agent${at + n}.example`, 'k1')),
      )
    return discovery
  })
  return result({
    id: 'discovery, bytes per agent',
    inFlight: 1,
    ratio: bytes,
    detail: 'bytes at 100 000 agents with one key each; the default room is 10 000 of a role',
  })
}

async function revocationRow(): Promise<Result> {
  const seconds = Math.floor(Date.now() / 1000)
  const bytes = await bytesOfEach(million, async () => {
    const set = memoryRevocationSet({ capacity: 2 * million })
    for (let at = 0; at < million; at++)
      await set.add({
        issuer: `https://auth${at % 1000}.example`,
        grant: String(at).padStart(36, '0'),
        exp: seconds + 600,
      })
    return set
  })
  return result({
    id: 'revocations, bytes per grant',
    inFlight: 1,
    ratio: bytes,
    detail: 'bytes at 1 M live grants',
  })
}

/** What servers hold: at rest, and for each entry of what strangers fill; of the replay set `httpsig` tells, of limits `guard`. */
export const memory: Bench = {
  name: 'memory',
  async run() {
    const command = publishedCommand()
    const rows: Result[] = []
    for (const name of Object.keys(servers)) rows.push(...(await idleRow(command, name)))
    return [...rows, await discoveryRow(), await revocationRow()]
  },
}
