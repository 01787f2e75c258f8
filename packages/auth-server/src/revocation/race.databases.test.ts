import { raceRounds, verifies } from '@countersign/requirements'
import { askUser, linkOf, open, redeemCode, requestTokenOf } from '@countersign/testing/auth/consent'
import { answer, codes, poll } from '@countersign/testing/auth/device'
import { agentServer, type Signer, send, type World } from '@countersign/testing/auth/world'
import { databasesForTests } from '@countersign/testing/databases'
import { bodyOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'
import { allowedBy, allRefused, pause, type Race, race, type TokenTimes, tokenIn } from './race.test.fixture.js'

const databases = await databasesForTests(3, 'both')
/** Milliseconds: a thousand rounds on a busy machine. */
const longest = 1_800_000
const callback = 'https://app.example/callback'
const scopes = ['events.read', 'events.write']

const refresh = (made: World, agent: Signer, refresh_token: string): Promise<Response> =>
  send(made, agent, { request_type: 'refresh', refresh_token })

/** An agent gets both scopes by a code; resolves with the answer. */
async function grantedAnswer({ a, atA }: Race, agent: Signer): Promise<{ token: TokenTimes; refresh_token: string }> {
  const request_token = await requestTokenOf(await askUser(a, agent, { scope: scopes.join(' ') }))
  const code = await allowedBy(atA, request_token, scopes)
  const response = await redeemCode(a, agent, { code, request_token, redirect_uri: callback })
  const { refresh_token } = await bodyOf(response.clone())
  const token = await tokenIn(response)
  if (token === undefined || typeof refresh_token !== 'string') throw new Error('not granted')
  return { token, refresh_token }
}

for (const { name, away, url } of databases) {
  // A round takes twice as long there. Both kinds together make twice `raceRounds`.
  const rounds = Math.ceil(raceRounds * (name === 'PostgreSQL' ? 0.5 : 1.5))
  test.skipIf(away !== '').each([
    { what: 'everything', rounds: Math.ceil(rounds / 2), form: { what: 'all' } },
    {
      what: 'one scope',
      rounds: Math.ceil(rounds / 2),
      form: { agent: 'https://agent.example', own: '1', resource: 'https://calendar.example', scope: 'events.write' },
    },
  ])(
    verifies(
      'REV-14',
      'revocation.until',
      `on ${name}: no token of a refresh that races the end of $what outlives the notice${away}`,
    ),
    async ({ what, rounds, form }) => {
      const made = await race(url())
      const agent = agentServer(made.a)
      let given = 0
      for (let round = 0; round < rounds; round++) {
        const { token, refresh_token } = await grantedAnswer(made, agent)
        const refreshes = Array.from({ length: 4 }, async () => {
          await pause()
          return tokenIn(await refresh(made.b, agent, refresh_token))
        })
        await made.takeBack(form)
        const later = await tokenIn(await refresh(made.b, agent, refresh_token))
        const raced = (await Promise.all(refreshes)).filter(each => each !== undefined)
        given += raced.length
        // What is left of a narrowed grant continues under another name, and is no part of the race.
        const before = raced.filter(({ grant }) => grant === token.grant)
        await allRefused(made.told, [token, ...before])
        if (what === 'everything') expect([later, before.length]).toEqual([undefined, raced.length])
        else expect(later?.grant).not.toBe(token.grant)
        if (what !== 'everything') await made.takeBack({ what: 'all' })
      }
      // Of ten rounds the refreshes may lose all.
      if (rounds > 100) expect(given).toBeGreaterThan(0)
      await made.close()
    },
    longest,
  )

  test.skipIf(away !== '')(
    verifies('ACC-09', `on ${name}: after everything was taken back nothing that was under way gives a token${away}`),
    async () => {
      const made = await race(url())
      const { a, b, atA, atB } = made
      const agent = agentServer(a)
      for (let round = 0; round < rounds; round++) {
        // One user is asked only so often.
        await made.later(40)
        const { token, refresh_token } = await grantedAnswer(made, agent)
        const scope = 'events.read'
        const request_token = await requestTokenOf(await askUser(a, agent, { scope }))
        const code = await allowedBy(atA, request_token, [scope])
        const device = await codes(a, agent, scope)
        await answer(atA, device.user_code, 'allow')
        const remembered = await requestTokenOf(await askUser(a, agent, { scope }))
        const attempts: Array<() => Promise<TokenTimes | undefined>> = [
          async () => tokenIn(await refresh(b, agent, refresh_token)),
          async () => tokenIn(await redeemCode(b, agent, { code, request_token, redirect_uri: callback })),
          async () => tokenIn(await poll(b, agent, device.device_code)),
        ]
        const inRace = attempts.map(async attempt => {
          await pause()
          return attempt()
        })
        const opened = pause().then(() => open(atB, linkOf(remembered)))
        await made.takeBack({ what: 'all' })
        expect(await Promise.all(attempts.slice(0, 1).map(attempt => attempt()))).toEqual([undefined])
        await allRefused(made.told, [token, ...(await Promise.all(inRace))])
        expect(await Promise.all(attempts.map(attempt => attempt()))).toEqual([undefined, undefined, undefined])
        const sentOn = (await opened).headers.get('location')
        const late = sentOn === null ? '' : (new URL(sentOn).searchParams.get('code') ?? '')
        const redeemed = await redeemCode(b, agent, { code: late, request_token: remembered, redirect_uri: callback })
        expect(await tokenIn(redeemed)).toBeUndefined()
      }
      await made.close()
    },
    longest,
  )
}
