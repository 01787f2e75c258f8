import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { temporaryFolder } from '@countersign/testing/folders'
import { expect, test } from 'vitest'
import type { OAuthApi, OAuthOwner, OAuthTokenSet } from './oauth.js'
import { oauthTokens } from './oauth-tokens.js'

const folder = temporaryFolder()
let files = 0

const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const ada: OAuthOwner = {
  user: { iss: 'https://auth.example', sub: 'ada' },
  agent: 'https://agent.example',
  delegate: 'phone',
}

interface Provider extends OAuthApi {
  readonly refreshed: OAuthTokenSet[]
  readonly revoked: OAuthTokenSet[]
  gone: boolean
  /** What happens while the provider refreshes. */
  meanwhile: () => Promise<void>
}

/** An API whose provider rotates refresh tokens, and takes each once. */
function provider(id = 'files'): Provider {
  let count = 0
  const refused = (): never => {
    throw new TypeError('no browser comes here')
  }
  const made: Provider = {
    id,
    issuer: 'https://accounts.example',
    origins: ['https://api.example'],
    refreshed: [],
    revoked: [],
    gone: false,
    meanwhile: () => new Promise(resolve => setTimeout(resolve, 5)),
    begin: refused,
    finish: refused,
    async refresh(tokens) {
      await made.meanwhile()
      made.refreshed.push(tokens)
      count++
      return made.gone
        ? undefined
        : { access_token: `access-${count}`, refresh_token: `refresh-${count}`, expires_in: 600 }
    },
    async revoke(tokens) {
      made.revoked.push(tokens)
    },
  }
  return made
}

async function place(
  o: { readonly keys?: readonly Uint8Array[]; readonly file?: string; readonly days?: number } = {},
) {
  const file = o.file ?? join(folder, `${files++}.db`)
  const clock = { now: 1_800_000_000 }
  const tokens = await oauthTokens({
    database: `sqlite:${file}`,
    encryptionKeys: o.keys ?? [key(1)],
    now: () => clock.now,
    ...(o.days === undefined ? {} : { forgetAfterDays: o.days }),
  })
  return { file, clock, tokens, api: provider() }
}

const first: OAuthTokenSet = { access_token: 'access-secret', refresh_token: 'refresh-secret', expires_in: 600 }

test(
  verifies('exchange.oauth', 'tokens are found for exactly the user, agent, delegate, chain and API they are of'),
  async () => {
    const { tokens, api } = await place()
    await tokens.keep(api, ada, first)
    expect(await tokens.accessToken(api, ada)).toBe('access-secret')
    for (const other of [
      { ...ada, user: { ...ada.user, sub: 'bob' } },
      { ...ada, user: { ...ada.user, iss: 'https://evil.example' } },
      { ...ada, agent: 'https://evil.example' },
      { ...ada, delegate: 'laptop' },
      { user: ada.user, agent: ada.agent },
      { ...ada, chain: [{ iss: 'https://auth.example', agent: 'https://agent.example' }] },
    ])
      expect(await tokens.accessToken(api, other), JSON.stringify(other)).toBeUndefined()
    expect(await tokens.accessToken(provider('mail'), ada)).toBeUndefined()
    await tokens.close()
  },
)

test('a copied database shows no owner and no token; another key opens nothing, and the old key still does', async () => {
  const { tokens, api, file } = await place()
  await tokens.keep(api, ada, first)
  await tokens.close()
  const bytes = [file, `${file}-wal`].map(name => {
    try {
      return readFileSync(name, 'latin1')
    } catch {
      return ''
    }
  })
  for (const secret of ['access-secret', 'refresh-secret', 'auth.example', 'agent.example', 'phone'])
    expect(bytes.join().includes(secret), secret).toBe(false)
  const stranger = await place({ file, keys: [key(2)] })
  expect(await stranger.tokens.accessToken(api, ada)).toBeUndefined()
  await stranger.tokens.close()
  const rotated = await place({ file, keys: [key(2), key(1)] })
  expect(await rotated.tokens.accessToken(api, ada)).toBe('access-secret')
  await rotated.tokens.keep(api, ada, { ...first, access_token: 'access-new' })
  expect(await rotated.tokens.accessToken(api, ada)).toBe('access-new')
  await rotated.tokens.close()
})

test('after a key is replaced, used tokens move to the new key; with an unknown key no token is found', async () => {
  const { tokens, api, file } = await place({ days: 30 })
  const bob = { ...ada, user: { ...ada.user, sub: 'bob' } }
  await tokens.keep(api, ada, first)
  await tokens.keep(api, bob, { access_token: 'access-bob', refresh_token: 'refresh-bob' })
  await tokens.close()
  const both = await place({ file, keys: [key(2), key(1)], days: 30 })
  const used = await Promise.all([1, 2, 3].map(() => both.tokens.accessToken(api, ada)))
  expect(used).toEqual(['access-secret', 'access-secret', 'access-secret'])
  await both.tokens.close()
  const after = await place({ file, keys: [key(2)] })
  expect(await after.tokens.accessToken(api, ada)).toBe('access-secret')
  // Never used with both: neither found nor opened.
  expect(await after.tokens.accessToken(api, bob)).toBeUndefined()
  await after.tokens.close()
  const old = await place({ file, keys: [key(1)] })
  expect(await old.tokens.accessToken(api, ada)).toBeUndefined()
  expect(await old.tokens.accessToken(api, bob)).toBe('access-bob')
  await old.tokens.close()
  // What was never moved is forgotten and revoked by either name.
  const again = await place({ file, keys: [key(2), key(1)] })
  await again.tokens.forget(api, bob)
  expect(api.revoked.map(({ refresh_token }) => refresh_token)).toEqual(['refresh-bob'])
  expect(await again.tokens.accessToken(api, bob)).toBeUndefined()
  await again.tokens.close()
})

test('tokens forgotten during a refresh stay forgotten, and the new ones are revoked, too', async () => {
  const { tokens, api, clock } = await place()
  await tokens.keep(api, ada, first)
  clock.now += 600
  const { meanwhile } = api
  api.meanwhile = () => tokens.forget(api, ada)
  expect(await tokens.accessToken(api, ada)).toBeUndefined()
  api.meanwhile = meanwhile
  expect(await tokens.accessToken(api, ada)).toBeUndefined()
  expect(api.revoked.map(({ refresh_token }) => refresh_token)).toEqual(['refresh-secret', 'refresh-1'])
  // Left alone, the same refresh is kept.
  await tokens.keep(api, ada, first)
  clock.now += 600
  expect(await tokens.accessToken(api, ada)).toBe('access-2')
  await tokens.close()
})

test.each([
  ['refreshes', false],
  ['does not refresh', true],
])('the tokens of a new consent are kept, even if the provider %s the earlier ones', async (_, gone) => {
  const { tokens, api, clock } = await place()
  await tokens.keep(api, ada, first)
  clock.now += 600
  api.gone = gone
  const anew: OAuthTokenSet = { access_token: 'access-anew', refresh_token: 'refresh-anew', expires_in: 600 }
  const [found] = await Promise.all([tokens.accessToken(api, ada), tokens.keep(api, ada, anew)])
  expect(found).toBe('access-anew')
  expect(await tokens.accessToken(api, ada)).toBe('access-anew')
  expect(api.revoked).toEqual([])
  await tokens.close()
})

test('a token near its end is refreshed once, however many ask, and so is one that the API refuses', async () => {
  const { tokens, api, clock } = await place()
  await tokens.keep(api, ada, first)
  clock.now += 569
  expect(await tokens.accessToken(api, ada)).toBe('access-secret')
  clock.now += 1
  const all = await Promise.all(Array.from({ length: 10 }, () => tokens.accessToken(api, ada)))
  expect(new Set(all)).toEqual(new Set(['access-1']))
  expect(api.refreshed.map(({ refresh_token }) => refresh_token)).toEqual(['refresh-secret'])
  expect(await tokens.renew(api, ada, 'access-1')).toBe('access-2')
  // A caller that was refused with the earlier token gets the current one.
  expect(await tokens.renew(api, ada, 'access-1')).toBe('access-2')
  expect(api.refreshed).toHaveLength(2)
  await tokens.close()
})

test('where the provider will not refresh, nothing is kept: the user is asked again', async () => {
  const { tokens, api, clock } = await place()
  await tokens.keep(api, ada, first)
  api.gone = true
  clock.now += 600
  expect(await tokens.accessToken(api, ada)).toBeUndefined()
  api.gone = false
  expect(await tokens.accessToken(api, ada)).toBeUndefined()
  expect(api.refreshed).toHaveLength(1)
  await tokens.close()
})

test(verifies('LOG-10', 'a forgotten token, at once or after long disuse, is revoked at its provider'), async () => {
  const { tokens, api, clock } = await place({ days: 30 })
  const bob = { ...ada, user: { ...ada.user, sub: 'bob' } }
  await tokens.keep(api, ada, { access_token: 'access-ada', refresh_token: 'refresh-ada' })
  await tokens.keep(api, bob, { access_token: 'access-bob', refresh_token: 'refresh-bob' })
  await tokens.forget(api, ada)
  expect(await tokens.accessToken(api, ada)).toBeUndefined()
  expect(api.revoked.map(({ refresh_token }) => refresh_token)).toEqual(['refresh-ada'])
  clock.now += 20 * 86_400
  expect(await tokens.accessToken(api, bob)).toBe('access-bob')
  clock.now += 29 * 86_400
  await tokens.accessToken(api, ada)
  await new Promise(resolve => setTimeout(resolve, 50))
  expect(api.revoked).toHaveLength(1)
  clock.now += 86_400
  await tokens.accessToken(api, ada)
  while (api.revoked.length < 2) await new Promise(resolve => setTimeout(resolve, 5))
  expect(api.revoked.at(-1)?.refresh_token).toBe('refresh-bob')
  expect(await tokens.accessToken(api, bob)).toBeUndefined()
  await tokens.close()
})

test(verifies('LOG-10', 'of two processes that forget the same at once, one revokes it'), async () => {
  const { tokens, api, clock, file } = await place()
  await tokens.keep(api, ada, first)
  const { tokens: others, clock: theirs } = await place({ file })
  theirs.now = clock.now += 91 * 86_400
  const bob = { ...ada, user: { ...ada.user, sub: 'bob' } }
  await Promise.all([tokens.accessToken(api, bob), others.accessToken(api, bob)])
  while (api.revoked.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
  await Promise.all([tokens.close(), others.close()])
  expect(api.revoked.map(({ refresh_token }) => refresh_token)).toEqual(['refresh-secret'])
})

test('a key that is too short, and no key, are refused', async () => {
  for (const encryptionKeys of [[], [new Uint8Array(31)], [key(1), new Uint8Array(33)]])
    await expect(oauthTokens({ database: 'sqlite::memory:', encryptionKeys })).rejects.toThrow(TypeError)
})
