import { postgresForTests } from '@countersign/testing/postgres'
import { expect, test } from 'vitest'
import type { OAuthApi, OAuthOwner, OAuthTokenSet, OAuthTokens } from './oauth.js'
import { oauthTokens } from './oauth-tokens.js'

const postgres = await postgresForTests(1)

test.skipIf(postgres.away !== '')(
  `instances that share a PostgreSQL database replace a key, refresh and forget without undoing what another did${postgres.away}`,
  async () => {
    const database = postgres.newUrl()
    const clock = { now: 1_800_000_000 }
    const revoked: OAuthTokenSet[] = []
    const never = async (): Promise<never> => expect.fail('no user is asked')
    let meanwhile = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 20))
    const api: OAuthApi = {
      id: 'files',
      issuer: 'https://accounts.example',
      origins: ['https://api.example'],
      begin: never,
      finish: never,
      async refresh() {
        await meanwhile()
        return { access_token: crypto.randomUUID(), refresh_token: crypto.randomUUID(), expires_in: 600 }
      },
      async revoke(tokens) {
        revoked.push(tokens)
      },
    }
    const ada: OAuthOwner = { user: { iss: 'https://auth.example', sub: 'ada' }, agent: 'https://agent.example' }
    const open = (...keys: readonly number[]): Promise<OAuthTokens> =>
      oauthTokens({
        database,
        encryptionKeys: keys.map(byte => new Uint8Array(32).fill(byte)),
        now: () => clock.now,
      })
    const old = await open(1)
    await old.keep(api, ada, { access_token: 'first', refresh_token: 'refresh-first', expires_in: 600 })
    const [one, two] = [await open(2, 1), await open(2, 1)]
    const found = await Promise.all([one, two, one, two].map(tokens => tokens.accessToken(api, ada)))
    expect(found).toEqual(['first', 'first', 'first', 'first'])
    expect(await old.accessToken(api, ada)).toBeUndefined()

    clock.now += 600
    const [fresh, ...same] = await Promise.all([one, two].map(tokens => tokens.accessToken(api, ada)))
    expect(fresh).not.toBe('first')
    expect(same).toEqual([fresh])
    expect(await one.accessToken(api, ada)).toBe(fresh)

    clock.now += 600
    meanwhile = () => two.forget(api, ada)
    expect(await one.accessToken(api, ada)).toBeUndefined()
    expect(revoked.map(tokens => tokens.access_token === fresh)).toEqual([true, false])
    await Promise.all([old, one, two].map(tokens => tokens.close()))
  },
)
