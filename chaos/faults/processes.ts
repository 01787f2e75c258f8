import { spawnSync } from 'node:child_process'
import { request } from 'node:http'
import type { Instance, Rig } from '../rig/rig.js'
import { type Fault, gone } from './fault.js'

// Processes that die, stop, or cannot write.

type Chosen = (rig: Rig) => Instance

const chosen: Readonly<Record<string, Chosen>> = {
  auth: ({ auth, random }) => random.one(auth),
  agents: ({ agents, random }) => random.one(agents),
  gateway: ({ gateways, random }) => random.one(gateways),
  partner: ({ partner }) => partner,
}

const kill = ([name, choose]: [string, Chosen]): Fault => ({
  name: `kill-${name}`,
  what: `SIGKILL of one instance of ${name}, which is started again when the fault ends`,
  silent: false,
  takes: [`process ${name}`],
  async apply(rig) {
    const { server } = choose(rig)
    await server.kill()
    return gone(server, 'processes gone')
  },
})

const stop = ([name, choose]: [string, Chosen]): Fault => ({
  name: `stop-${name}`,
  what: `SIGSTOP of one instance of ${name}: it takes connections and answers nothing`,
  silent: true,
  takes: [`process ${name}`],
  async apply(rig) {
    const { server } = choose(rig)
    server.pause()
    return {
      heal: async () => server.resume(),
      measure: async () => ({ measured: await silence(server.port), atLeast: 900, unit: 'ms without an answer' }),
    }
  },
})

/** Milliseconds until an instance says that it lives, at most a second. */
function silence(port: number): Promise<number> {
  const begin = performance.now()
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(late)
      asking.destroy()
      resolve(Math.round(performance.now() - begin))
    }
    const asking = request({ host: '127.0.0.1', port, path: '/healthz', agent: false }, done).on('error', done)
    const late = setTimeout(done, 1000)
    asking.end()
  })
}

const noPrlimit = (): string | undefined =>
  spawnSync('prlimit', ['--version']).status === 0 ? undefined : 'there is no prlimit, which makes a disk full'

const fullDisk: Fault = {
  name: 'disk-full',
  what: 'the auth server of the other domain, on SQLite, can write no byte to any file',
  silent: false,
  takes: ['process partner'],
  away: noPrlimit,
  async apply({ partner }) {
    const { server } = partner
    server.disk('full')
    return {
      heal: async () => server.disk('free'),
      measure: async () => ({ measured: await notReady(server.port), atLeast: 1, unit: 'times not ready' }),
    }
  },
}

/** 1 where an instance says that it is not ready; a readiness check is remembered for a second. */
function notReady(port: number): Promise<number> {
  return new Promise(resolve => {
    request({ host: '127.0.0.1', port, path: '/readyz', agent: false }, response => {
      response.resume()
      resolve(response.statusCode === 503 ? 1 : 0)
    })
      .on('error', () => resolve(0))
      .end()
  })
}

const outOfMemory: Fault = {
  name: 'memory-auth',
  what: 'one instance of auth fills the memory that it may have, and ends by that',
  silent: true,
  takes: ['process auth'],
  async apply({ auth, random }) {
    const { server } = random.one(auth)
    server.fault({ memory: 'full' })
    try {
      await server.ended(30_000)
    } finally {
      server.fault({ memory: 'free' })
    }
    return gone(server, 'processes gone')
  },
}

const outOfDescriptors: Fault = {
  name: 'descriptors-gateway',
  what: 'one gateway can open no file and no connection any more',
  silent: true,
  takes: ['process gateway'],
  away: noPrlimit,
  async apply({ gateways, random }) {
    const { server } = random.one(gateways)
    server.descriptors('none')
    return {
      heal: async () => server.descriptors('as before'),
      measure: async () => ({
        measured: await refusedOf(server.port),
        atLeast: 1,
        unit: 'connections of 10 that got no answer',
      }),
    }
  },
}

/** How many of ten requests to an instance get no answer within a second. */
async function refusedOf(port: number): Promise<number> {
  const asking = Array.from({ length: 10 }, () =>
    fetch(`http://127.0.0.1:${port}/healthz`, {
      signal: AbortSignal.timeout(1000),
      headers: { connection: 'close' },
    }).then(
      () => 0,
      () => 1,
    ),
  )
  return (await Promise.all(asking)).reduce((sum: number, each) => sum + each, 0)
}

/** Faults of processes. */
export const processFaults: readonly Fault[] = [
  ...Object.entries(chosen).map(kill),
  ...Object.entries(chosen).map(stop),
  fullDisk,
  outOfMemory,
  outOfDescriptors,
]
