import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { browser, signInAs } from '@countersign/testing/auth/browser'
import { allowRedirects, callback, linkOf, open } from '@countersign/testing/auth/consent'
import { type Participants, participants, type Server, serverOf, start, token } from '@countersign/testing/auth/crash'
import { delegate, granted, resourceToken, type Signer } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { temporaryFolder } from '@countersign/testing/folders'
import { postgresForTests } from '@countersign/testing/postgres'
import { previousRelease } from '@countersign/testing/previous-release'
import { bodyOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

const before = previousRelease()
const postgres = await postgresForTests(1)
const folder = temporaryFolder()

/** One user's yes, asked at one server, answered at a second, redeemed at a third. */
async function consent(
  cast: Participants,
  owner: Signer,
  scope: string,
  [asked, answered, redeemed]: readonly [Server, Server, Server],
): Promise<string> {
  const resource_token = await resourceToken(cast, owner, { claims: { scope } })
  const form = { request_type: 'auth', resource_token, redirect_uri: callback, state: 's1' }
  const request_token = String((await bodyOf(await token(cast, asked, owner, form)))['request_token'])
  const one = browser(answered, 'https://auth.example')
  await signInAs(one, 'ada')
  const hidden = hiddenFields(await (await open(one, linkOf(request_token))).text())
  const said = await one.post('/agent/consent', { ...hidden, decision: 'allow', [`scope:${scope}`]: 'on' })
  const code = new URL(said.headers.get('location') ?? 'none:').searchParams.get('code') ?? ''
  const redeeming = { request_type: 'code', code, request_token, redirect_uri: callback }
  return (await granted(await token(cast, redeemed, owner, redeeming))).refresh_token
}

const refreshed = async (cast: Participants, server: Server, owner: Signer, refresh_token: string): Promise<number> =>
  (await token(cast, server, owner, { request_type: 'refresh', refresh_token })).status

/** A direct grant. */
const direct = async (cast: Participants, server: Server, owner: Signer): Promise<string> =>
  (
    await granted(
      await token(cast, server, owner, { request_type: 'auth', resource_token: await resourceToken(cast, owner) }),
    )
  ).refresh_token

test.skipIf(before.away !== '').each([
  { name: 'SQLite', away: '', url: () => `sqlite:${join(folder, 'auth.db')}` },
  { name: `PostgreSQL${postgres.away}`, away: postgres.away, url: postgres.newUrl },
])(
  verifies('F-82', `on $name the last release goes on beside this one after this one has migrated${before.away}`),
  { timeout: 180_000 },
  async ({ name, away, url }) => {
    if (away !== '') return
    const database = url()
    const documents = join(folder, `${name}.json`)
    const cast = await participants()
    allowRedirects(cast, { redirect_uris: [callback] })
    writeFileSync(documents, JSON.stringify(Object.fromEntries(cast.web)))
    const [phone, laptop] = [await delegate(cast, 'phone'), await delegate(cast, 'laptop')]
    const [old, now] = [serverOf(), serverOf()]
    old.running = await start(database, documents, { root: before.root })
    // What the release before made before this one came.
    const early = [await consent(cast, phone, 'events.write', [old, old, old]), await direct(cast, old, phone)]
    now.running = await start(database, documents)
    for (const server of [old, now])
      for (const refresh_token of early) expect(await refreshed(cast, server, phone, refresh_token)).toBe(200)
    // From then on each does all of it, alone and with the other's help.
    const ways = [
      [old, old, old],
      [now, now, now],
      [old, now, old],
      [now, old, now],
      [old, old, now],
      [now, now, old],
    ] as const
    for (const [index, way] of ways.entries()) {
      const refresh_token = await consent(cast, laptop, `events.scope-${index}`, way)
      for (const server of [old, now]) expect(await refreshed(cast, server, laptop, refresh_token)).toBe(200)
    }
    for (const [one, other] of [
      [old, now],
      [now, old],
    ] as const) {
      const refresh_token = await direct(cast, one, laptop)
      expect(await refreshed(cast, other, laptop, refresh_token)).toBe(200)
    }
    await old.running.kill()
    for (const refresh_token of early) expect(await refreshed(cast, now, phone, refresh_token)).toBe(200)
    await now.running.kill()
  },
)
