import { verifies } from '@countersign/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OAuthApiOptions, oauthApi } from './oauth-api.js'
import { type OAuthPlace, oauthPlace } from './oauth-provider.test.fixture.js'

const redirectUri = 'http://127.0.0.1:4130/interact/callback'
let place: OAuthPlace

beforeAll(async () => {
  place = await oauthPlace(redirectUri)
})
afterAll(() => place.close())

function files(o: Partial<OAuthApiOptions> = {}) {
  return oauthApi({
    id: 'files',
    issuer: place.issuer,
    clientId: 'countersign',
    clientSecret: 'secret',
    scope: 'openid files.read',
    origins: [place.issuer],
    dangerouslyAllowLoopbackHttp: true,
    ...o,
  })
}

async function agreed(api: ReturnType<typeof files>) {
  const { url, saved } = await api.begin({ redirectUri, state: 'state-1' })
  const back = await place.decide(url, 'ada')
  return { back, saved, tokens: () => api.finish({ url: back, state: 'state-1', saved }) }
}

const callWith = (token: string) =>
  fetch(`${place.api}/files`, { headers: { authorization: `Bearer ${token}` } }).then(({ status }) => status)

test(
  verifies('exchange.oauth', 'a user agrees at a real provider, by code with PKCE, and the tokens open its API'),
  async () => {
    const api = files()
    const { url } = await api.begin({ redirectUri, state: 'state-1' })
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({
      client_id: 'countersign',
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: 'openid files.read',
      state: 'state-1',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    })
    const tokens = await (await agreed(api)).tokens()
    expect(await callWith(tokens.access_token)).toBe(200)
    expect(place.calls.at(-1)).toMatchObject({ account: 'ada' })
    expect(tokens.expires_in).toBeGreaterThan(500)

    const fresh = await api.refresh(tokens)
    expect(fresh?.access_token).not.toBe(tokens.access_token)
    expect(await callWith(fresh?.access_token ?? '')).toBe(200)
    await api.revoke(fresh ?? tokens)
    expect(await api.refresh(fresh ?? tokens)).toBeUndefined()
  },
)

test('a callback of another state, another browser or another client redeems nothing', async () => {
  const api = files()
  const denied = { code: 'access_denied', reason: 'downstream_refused', status: 403 }
  const one = await agreed(api)
  await expect(api.finish({ url: one.back, state: 'state-2', saved: one.saved })).rejects.toMatchObject(denied)
  await expect(api.finish({ url: one.back, state: 'state-1', saved: {} })).rejects.toMatchObject(denied)
  const two = await agreed(api)
  await expect(
    files({ clientSecret: 'wrong' }).finish({ url: two.back, state: 'state-1', saved: two.saved }),
  ).rejects.toMatchObject(denied)
  expect((await (await agreed(api)).tokens()).access_token).toBeTypeOf('string')
})

test('a refusal by the user and an unavailable provider are different errors', async () => {
  const api = files()
  const { url, saved } = await api.begin({ redirectUri, state: 'state-1' })
  const back = await place.decide(url, 'ada', 'refuse')
  await expect(api.finish({ url: back, state: 'state-1', saved })).rejects.toMatchObject({ code: 'access_denied' })
  place.away = true
  try {
    await expect(files().begin({ redirectUri, state: 'state-1' })).rejects.toMatchObject({
      code: 'temporarily_unavailable',
      reason: 'dependency_unavailable',
      status: 503,
    })
    await expect(api.refresh({ access_token: 'a', refresh_token: 'b' })).rejects.toMatchObject({
      code: 'temporarily_unavailable',
    })
    await expect(api.revoke({ access_token: 'a' })).resolves.toBeUndefined()
  } finally {
    place.away = false
  }
})

test('only what says that a refresh token is worth nothing ends it: a busy provider and a wrong secret of ours do not', async () => {
  const api = files()
  const tokens = await (await agreed(api)).tokens()
  await expect(files({ clientSecret: 'wrong' }).refresh(tokens)).rejects.toMatchObject({ code: 'access_denied' })
  try {
    for (const [status, error, code] of [
      [429, 'slow_down', 'temporarily_unavailable'],
      [400, 'invalid_request', 'access_denied'],
      [400, 'unauthorized_client', 'access_denied'],
    ] as const) {
      place.says = { status, error }
      await expect(api.refresh(tokens), error).rejects.toMatchObject({ code })
    }
    place.says = { status: 400, error: 'invalid_grant' }
    expect(await api.refresh(tokens)).toBeUndefined()
  } finally {
    delete place.says
  }
  expect((await api.refresh(tokens))?.access_token).toBeTypeOf('string')
})

test('what would send bearer tokens in the clear, or anywhere, is refused when it is set up', () => {
  for (const wrong of [
    { id: 'Files' },
    { id: '' },
    { issuer: 'http://accounts.example' },
    { origins: [] },
    { origins: ['http://api.example'] },
    { origins: ['https://api.example/path'] },
    { clientId: '' },
    { scope: '' },
    { dangerouslyAllowLoopbackHttp: false },
  ])
    expect(() => files(wrong), JSON.stringify(wrong)).toThrow(TypeError)
  expect(files().id).toBe('files')
})
