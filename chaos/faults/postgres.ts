import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { databaseWays, followPrimary } from '../rig/rig.js'
import { type Fault, gone } from './fault.js'
import { ofWays } from './ways.js'

// PostgreSQL that dies, hangs, fails over, or has no connection left.

const killPostgres: Fault = {
  name: 'postgres-kill',
  what: 'SIGKILL of PostgreSQL, which is started again when the fault ends',
  silent: false,
  takes: ['postgres'],
  async apply({ postgres }) {
    const { primary } = postgres
    await primary.kill()
    return gone(primary, 'servers gone')
  },
}

const failover: Fault = {
  name: 'postgres-failover',
  what: 'SIGKILL of the primary; the standby is promoted two seconds later, and all ways lead there',
  silent: false,
  takes: ['postgres'],
  async apply(rig) {
    const { postgres } = rig
    const before = postgres.primary.port
    await postgres.primary.kill()
    await sleep(2000)
    await postgres.promote()
    followPrimary(rig)
    return {
      heal: () => postgres.followAgain(),
      measure: async () => ({
        measured: postgres.primary.port === before ? 0 : 1,
        atLeast: 1,
        unit: 'primaries changed',
      }),
    }
  },
}

const stopPostgres: Fault = {
  name: 'postgres-stop',
  what: 'SIGSTOP of PostgreSQL: its connections stay, and nothing is answered',
  silent: false,
  takes: ['postgres'],
  async apply({ postgres: { primary } }) {
    primary.pause()
    return {
      heal: async () => primary.resume(),
      async measure() {
        const begin = performance.now()
        await Promise.race([primary.query('select 1').catch(() => undefined), sleep(1000)])
        return { measured: Math.round(performance.now() - begin), atLeast: 900, unit: 'ms without an answer' }
      },
    }
  },
}

const outOfConnections: Fault = {
  name: 'postgres-connections',
  what: 'another client takes every connection that PostgreSQL has, and those of the servers are ended',
  silent: false,
  takes: ['postgres'],
  async apply(rig) {
    const { primary } = rig.postgres
    const taken: pg.Client[] = []
    let refused = 0
    let over = false
    const take = async (): Promise<boolean> => {
      const client = new pg.Client({ connectionString: primary.url(), connectionTimeoutMillis: 2000 })
      client.on('error', () => undefined)
      try {
        await client.connect()
      } catch {
        refused += 1
        return false
      }
      taken.push(client)
      return true
    }
    while (await take()) if (taken.length > 100) break
    for (const way of databaseWays(rig)) way.cutAll()
    // The servers try to come back at once: whatever becomes free is taken first.
    const taking = (async () => {
      while (!over) if (!(await take())) await sleep(20)
    })()
    return {
      async heal() {
        over = true
        await taking
        await Promise.all(taken.map(client => client.end().catch(() => undefined)))
      },
      measure: async () => ({
        measured: Math.min(taken.length, refused),
        atLeast: 1,
        unit: 'connections taken until one was refused',
      }),
    }
  },
}

/** Faults of PostgreSQL. */
export const postgresFaults: readonly Fault[] = [
  killPostgres,
  failover,
  stopPostgres,
  outOfConnections,
  ofWays('postgres', {
    name: 'slow',
    what: 'everything between the servers and PostgreSQL takes 2 s longer, each way',
    weather: { delay: 2000 },
    counted: 'delayed',
  }),
  ofWays('postgres', {
    name: 'cut',
    what: 'PostgreSQL refuses connections, and open ones are reset',
    weather: { refuses: true },
    cuts: true,
    counted: 'cut',
  }),
  ofWays('postgres', {
    name: 'partition',
    what: 'nothing comes through to PostgreSQL or from it, and nobody is told',
    weather: { silent: 'both' },
    counted: 'dropped',
  }),
  ofWays('postgres', {
    name: 'deaf',
    what: 'what PostgreSQL answers is lost: it commits, and nobody gets to know',
    weather: { silent: 'from' },
    counted: 'dropped',
  }),
]
