import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AuthServer, type AuthServerEvent, askUsers, createAuthServer } from '@countersign/auth-server'
import { adminPage, operatorOf } from '@countersign/console'
import { generateSigningKey, memoryReplaySet } from '@countersign/httpsig'
import { serve } from '@countersign/server'
import { openStore } from '@countersign/store'
import { freePort } from '@countersign/testing/ports'
import { demoUsers, userDesk } from '@countersign/user-desk'
import { migrations, type Tables } from '../packages/auth-server/src/tables/tables.js'

/** An auth server with its admin page, each on a port of its own. */
export interface AdminPlace {
  /** Where users go. */
  readonly users: string
  /** Where admins go. */
  readonly origin: string
  readonly auth: AuthServer
  readonly events: AuthServerEvent[]
  /** Puts users and grants into the database, as many as it says. */
  seed(rows: SeededRows): Promise<void>
  /** A link for a browser of an admin. */
  link(name?: string): Promise<string>
  stop(): Promise<void>
}

/** Rows to put into the database. */
export interface SeededRows {
  readonly users?: ReadonlyArray<{ readonly sub: string; readonly name?: string; readonly email?: string }>
  readonly grants?: ReadonlyArray<{
    readonly agent: string
    readonly delegate?: string
    readonly user?: string
    readonly resource?: string
    readonly scope?: string
    readonly count?: number
  }>
}

/** Starts both. */
export async function adminPlace(): Promise<AdminPlace> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-admin-'))
  const [port, adminPort] = [await freePort(), await freePort()]
  const [users, origin] = [`http://localhost:${port}`, `http://localhost:${adminPort}`]
  const database = `sqlite:${join(folder, 'auth.db')}`
  const events: AuthServerEvent[] = []
  const auth = await createAuthServer({
    issuer: users,
    keys: { rotateEvery: 90 * 86_400 },
    database,
    development: true,
    desk: userDesk({ login: [demoUsers([{ name: 'ada', email: 'ada@example.org' }])] }),
    policy: askUsers([{ agents: 'any', delegates: 'any', resources: 'any', scopes: ['events.read'] }]),
    replay: memoryReplaySet(),
    audit: { key: await generateSigningKey() },
    onEvent: event => void events.push(event),
  })
  const common = { signals: false, announce: () => undefined, development: true, level: 'silent' } as const
  const rulesOf = async (): Promise<readonly string[]> => ['ask.0']
  const servers = [
    await serve({ ...common, name: 'auth', id: users, port, participant: auth }),
    await serve({
      ...common,
      name: 'admin',
      id: origin,
      port: adminPort,
      participant: adminPage(auth, { origin, rulesOf }),
    }),
  ]
  return {
    users,
    origin,
    auth,
    events,
    seed: rows => seed(database, rows),
    async link(name = 'ada') {
      return (await operatorOf(auth).admins.add({ name, origin })).url
    },
    async stop() {
      await Promise.all(servers.map(server => server.close()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function seed(url: string, { users = [], grants = [] }: SeededRows): Promise<void> {
  const store = await openStore<Tables>({ url, room: 'auth_server', migrations })
  const now = Date.now() / 1000
  await store.write(async tx => {
    for (const { sub, ...claims } of users) {
      const times = { created: now - 86_400, last_login: now - 60, review: now + 86_400 }
      const account = { issuer: 'https://login.example', subject: sub, claims: JSON.stringify(claims) }
      await tx
        .insertInto('auth_server_users')
        .values({ sub, ...account, ...times })
        .execute()
    }
    for (const { agent, delegate, user, count = 1, ...grant } of grants)
      for (let at = 0; at < count; at++) {
        const id = crypto.randomUUID()
        const { resource = 'https://calendar.example', scope = 'events.read events.write' } = grant
        await tx
          .insertInto('auth_server_grants')
          .values({
            refresh_hash: `hash-${id}`,
            id,
            agent,
            agent_delegate: delegate ?? '',
            resource,
            scope,
            txn: null,
            purpose: null,
            created: now - 3600,
            last_used: now - at,
            user_sub: user ?? null,
            claims: null,
            redemption_hash: null,
            words: null,
            conditions: null,
            purposes: null,
            renamed: null,
          })
          .execute()
      }
  })
  await store.close()
}
