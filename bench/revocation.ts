import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AuthServer, createAuthServer } from '@countersign/auth-server'
import { createDiscovery } from '@countersign/discovery'
import { generateSigningKey } from '@countersign/httpsig'
import { openBrowser } from '@countersign/testing/browser'
import { makeWeb, publishResource } from '@countersign/testing/world/web'
import { demoUsers, userDesk } from '@countersign/user-desk'
import pg from 'pg'
import { grantsOf, resourceIds, sideDoor } from './many-grants.js'
import { median } from './measure.js'
import { type Bench, type Result, result } from './result.js'

const issuer = 'https://auth.example'
const many = 10_000
const looks = 20
const server = 'postgres://postgres@127.0.0.1:5432/test'

/** Milliseconds that it may take. */
const budgets = { page: 100, revoke: 5000 }

interface Measured {
  /** Of the quickest look: others use the machine. */
  readonly page: number
  readonly median: number
  readonly revoke: number
  /** Notices a second. */
  readonly delivered: number
}

/** A user with ten thousand grants looks at them, and takes all of them back. */
async function measure(url: string): Promise<Measured> {
  const told = new Set<string>()
  const auth = await authServer(url, told)
  const door = await sideDoor(url)
  try {
    const user = openBrowser(({ origin: _, headers, ...request }) =>
      auth.handle({ ...request, headers: [['host', new URL(issuer).host], ...headers], peer: '192.0.2.9' }),
    )
    const csrf = await user.csrf(`${issuer}/login?return_to=%2Faccount`)
    await user.post(`${issuer}/login/demo`, { csrf, subject: 'Ada', return_to: '/account' })
    const { sub } = await door.one('select sub from auth_server_users')
    for (const statement of grantsOf(String(sub), many)) await door.run(statement)
    await door.run('analyze')

    const pages: number[] = []
    for (let look = 0; look < looks; look++) {
      const began = performance.now()
      const page = await (await user.get(`${issuer}/account`)).text()
      if (!page.includes('agent-')) throw new Error('the page shows no agents')
      pages.push(performance.now() - began)
    }
    const form = { csrf: await user.csrf(`${issuer}/account`), what: 'all' }
    const began = performance.now()
    const answer = await user.post(`${issuer}/account/take-back`, form)
    const revoke = performance.now() - began
    if (answer.headers.get('location') !== `/account?done=${many}`) throw new Error('not all grants have ended')
    const committed = performance.now()
    const before = told.size
    while (told.size < many) await sleep(20)
    const delivered = ((many - before) * 1000) / (performance.now() - committed)
    return { page: Math.min(...pages), median: median(pages), revoke, delivered }
  } finally {
    await auth.close()
    await door.close()
  }
}

async function authServer(database: string, told: Set<string>): Promise<AuthServer> {
  const web = makeWeb()
  const key = { kid: 'r1', key: await generateSigningKey() }
  for (const id of resourceIds) publishResource(web, id, [key], { revocation_endpoint: `${id}/revoked` })
  return createAuthServer({
    issuer,
    keys: [{ kid: 'a1', key: await generateSigningKey() }],
    database,
    development: true,
    desk: userDesk({ login: [demoUsers([{ name: 'Ada' }])], pagesPerMinute: 1e6 }),
    discovery: createDiscovery({ fetcher: web.fetcher }),
    async fetch(input, init) {
      told.add(new URLSearchParams(await new Request(input, init).text()).get('grant') ?? '')
      return new Response(null, { status: 204 })
    },
  })
}

function rows(name: string, { page, median: middle, revoke, delivered }: Measured): Result[] {
  const detail = `${many} grants of one user`
  return [
    result({
      id: `${name}: account page, ms`,
      inFlight: 1,
      ratio: page,
      budget: budgets.page,
      detail: `${detail}; the quickest of ${looks} looks, the median ${middle.toFixed(0)} ms`,
    }),
    result({ id: `${name}: all taken back, ms`, inFlight: 1, ratio: revoke, budget: budgets.revoke, detail }),
    result({
      id: `${name}: notices delivered a second`,
      inFlight: 64,
      ratio: delivered,
      detail: 'to 50 sites that answer at once',
    }),
  ]
}

async function onPostgres(): Promise<Result[]> {
  const admin = new pg.Client({ connectionString: server, connectionTimeoutMillis: 1000 })
  try {
    await admin.connect()
  } catch {
    return []
  }
  const schema = `countersign_bench_${randomBytes(4).toString('hex')}`
  await admin.query(`create schema ${schema}`)
  try {
    const options = encodeURIComponent(`-c search_path=${schema}`)
    return rows('PostgreSQL', await measure(`${server}?options=${options}`))
  } finally {
    await admin.query(`drop schema ${schema} cascade`)
    await admin.end()
  }
}

/** Access that users take back. PostgreSQL is left out where none answers at 127.0.0.1:5432. */
export const revocation: Bench = {
  name: 'revocation',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'))
    try {
      const ofSqlite = rows('SQLite', await measure(`sqlite:${join(folder, 'auth.db')}`))
      return [...ofSqlite, ...(await onPostgres())]
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}
