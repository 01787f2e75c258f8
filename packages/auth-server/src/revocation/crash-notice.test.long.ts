import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDiscovery } from '@countersign/discovery'
import { generateSigningKey } from '@countersign/httpsig'
import { raceRounds, verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { isKilled, participants, serverOf, start, token } from '@countersign/testing/auth/crash'
import { agentServer, post, resourceToken } from '@countersign/testing/auth/world'
import { temporaryFolder } from '@countersign/testing/folders'
import { bodyOf } from '@countersign/testing/responses'
import { makeWeb, publishResource } from '@countersign/testing/world/web'
import { expect, test } from 'vitest'
import { createAuthServer } from '../auth-server.js'
import { migrations, room, type Tables } from '../tables/tables.js'
import { tokenIn } from './race.test.fixture.js'

const folder = temporaryFolder()
/** Each starts a process. */
const rounds = raceRounds > 10 ? 15 : 4

test(
  verifies(
    'revocation.delivered',
    'revocation.written',
    'F-36',
    'F-67',
    'an auth server that is killed while grants are given back loses no notice',
  ),
  async () => {
    const cast = await participants()
    publishResource(cast, 'https://calendar.example', [cast.resourceKey], {
      supported_scopes: ['events.read'],
      revocation_endpoint: 'https://calendar.example/revoked',
    })
    const own = mkdtempSync(join(folder, 'notice-'))
    const [database, documents] = [`sqlite:${join(own, 'auth.db')}`, join(own, 'web.json')]
    writeFileSync(documents, JSON.stringify(Object.fromEntries(cast.web)))
    const server = serverOf()
    const agent = agentServer(cast)
    const grants: Array<{ readonly grant: string; readonly refresh: string }> = []
    const ended = new Set<string>()
    for (let round = 0; round < rounds; round++) {
      server.running = await start(database, documents)
      const resource_token = await resourceToken(cast, agent, { claims: { jti: `${round}` } })
      const answer = await token(cast, server, agent, { request_type: 'auth', resource_token })
      const { refresh_token } = await bodyOf(answer.clone())
      const grant = (await tokenIn(answer))?.grant ?? ''
      grants.push({ grant, refresh: String(refresh_token) })
      const { running } = server
      const message = await post(cast, agent, { token: String(refresh_token) }, { target: '/agent/revoke' })
      const revoked = running.call(message).then(
        ({ status }) => void (status === 200 && ended.add(grant)),
        (error: unknown) => {
          if (!isKilled(error)) throw error
        },
      )
      await sleep(Math.random() * 12)
      await Promise.all([revoked, running.kill()])
      server.running = undefined
    }

    const store = await openStore<Tables>({ url: database, room, migrations })
    const alive = (await store.db.selectFrom('auth_server_grants').select('id').execute()).map(({ id }) => id)
    await store.close()
    const told = new Set<string>()
    // Later than the claim of the one that was killed.
    const now = (): number => Date.now() / 1000 + 25
    const next = await createAuthServer({
      issuer: 'https://auth.example',
      keys: [{ kid: 'a1', key: await generateSigningKey() }],
      database,
      knownKeys: 'replace',
      now,
      discovery: createDiscovery({ fetcher: makeWeb(cast.web).fetcher, now }),
      async fetch(input, init) {
        told.add(new URLSearchParams(await new Request(input, init).text()).get('grant') ?? '')
        return new Response(null, { status: 204 })
      },
    })
    const gone = grants.map(({ grant }) => grant).filter(grant => !alive.includes(grant))
    expect([...ended].every(grant => gone.includes(grant))).toBe(true)
    // Ten a minute of one agent leave; those of more rounds come later.
    const due = gone.slice(0, 10)
    await expect.poll(() => due.filter(grant => !told.has(grant)), { timeout: 10_000 }).toEqual([])
    expect(alive.filter(grant => told.has(grant))).toEqual([])
    await next.close()
  },
)
