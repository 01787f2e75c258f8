import { verifies } from '@countersign/requirements'
import { signInAs } from '@countersign/testing/auth/browser'
import { browserOf, open } from '@countersign/testing/auth/consent'
import {
  asking,
  type ExchangeWorld,
  exchange,
  exchangeWorld,
  roomsToken,
  rowsIn,
  rule,
  upstreamIssuer,
  upstreamToken,
} from '@countersign/testing/auth/exchange'
import { watched, withUpstream } from '@countersign/testing/auth/refused-exchange'
import { asksUser, claimsOf, person, throughOne, watchedTwo } from '@countersign/testing/auth/two-auth-servers'
import { sqliteOfTest } from '@countersign/testing/folders'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

/** Ada's `sub` here, as of her sign-in. */
function subOf({ events }: Pick<ExchangeWorld, 'events'>): string {
  const signedIn = events.findLast(event => event.type === 'signed_in')
  return signedIn?.type === 'signed_in' ? signedIn.sub : expect.fail('nobody signed in')
}

test(
  verifies(
    'EXC-27',
    'EXC-28',
    'a user of another issuer with the same sub as a user here is another user: direct rules',
  ),
  async () => {
    const made = await exchangeWorld()
    await browserOf(made, 'ada')
    const sub = subOf(made)
    const theirs = await upstreamToken(made, { claims: { sub } })
    expect(claimsOf(await bodyOf(await exchange(made, { upstream: theirs })))).not.toHaveProperty('sub')
    expect(made.events.at(-1)).not.toHaveProperty('user')
    // An issuer that shares its subjects is believed, long name and all.
    const sharing = await exchangeWorld({ exchange: { rules: [rule], dangerouslySharedSubjects: [upstreamIssuer] } })
    await browserOf(sharing, 'ada')
    const ours = await upstreamToken(sharing, { claims: { sub: subOf(sharing) } })
    expect(claimsOf(await bodyOf(await exchange(sharing, { upstream: ours })))['sub']).toBe(subOf(sharing))
  },
)

test(
  verifies('exchange.rule', '`openid` beside other scopes needs no consent where the token names the user anyway'),
  async () => {
    const made = await exchangeWorld({ exchange: { rules: [rule], dangerouslySharedSubjects: [upstreamIssuer] } })
    await browserOf(made, 'ada')
    const upstream = await upstreamToken(made, { claims: { sub: subOf(made) } })
    const plainly = claimsOf(await bodyOf(await exchange(made, { upstream, scope: 'rooms.read' })))
    const again = claimsOf(await bodyOf(await exchange(made, { upstream, scope: 'openid rooms.read' })))
    expect([again['sub'], again['scope']]).toEqual([plainly['sub'], plainly['scope']])
    // Other identity scopes need it, and so does `openid` where the token would name no user.
    for (const o of [
      { upstream, scope: 'email rooms.read' },
      { upstream, scope: 'openid' },
      { upstream: await upstreamToken(made, { claims: { sub: 'nobody-here' } }), scope: 'rooms.write' },
    ])
      expect(await refusalOf(await exchange(made, o))).toEqual(plain(403, 'access_denied', 'exchange_not_allowed'))
    const unlinked = await exchangeWorld()
    const theirs = await upstreamToken(unlinked)
    expect(await refusalOf(await exchange(unlinked, { upstream: theirs, scope: 'openid rooms.read' }))).toEqual(
      plain(403, 'access_denied', 'exchange_not_allowed'),
    )
  },
)

test(
  verifies(
    'EXC-28',
    'exchange.sub',
    'link.same-user',
    'a user here with the same sub cannot decide for the user of another issuer',
  ),
  async () => {
    const made = await watchedTwo()
    const ada = person(made)
    await signInAs(ada.at.auth, 'ada')
    await signInAs(ada.at.one, 'ada')
    const sub = subOf(made)
    const theirs = await upstreamToken(made, { claims: { sub } })
    const { link } = await asksUser(made, theirs)
    const departure = await open(ada.at.auth, link)
    expect(new URL(departure.headers.get('location') ?? '').origin).toBe(upstreamIssuer)
    const page = await ada.at.auth.get(await throughOne(ada, departure))
    expect(page.status).toBe(403)
    expect(await rowsIn(made.database)).toMatchObject({ consents: 0, links: 0 })
    // Where subjects are shared, it is theirs, and the page asks them.
    const sharing = await exchangeWorld({
      exchange: { rules: [asking], dangerouslySharedSubjects: [upstreamIssuer] },
      database: sqliteOfTest(),
    })
    const one = await browserOf(sharing, 'ada')
    const ours = await asksUser(sharing, await upstreamToken(sharing, { claims: { sub: subOf(sharing) } }))
    expect((await open(one, ours.link)).status).toBe(200)
  },
)

test(
  verifies('EXC-14', 'exchange.issued', 'a resource token sets nothing of the issued token but its resource and scope'),
  async () => {
    const made = await watched()
    const forged = {
      sub: 'mallory',
      act: { iss: upstreamIssuer, agent: 'https://evil.example' },
      cnf: { jwk: {} },
      name: 'Mallory',
      email: 'mallory@evil.example',
      nbf: 0,
      exp: made.clock.now + 600,
    }
    const resource = await roomsToken(made, { claims: forged })
    const upstream = await upstreamToken(made)
    const claims = claimsOf(await bodyOf(await exchange(made, { upstream, resource })))
    const plainly = claimsOf(await bodyOf(await exchange(made, { upstream })))
    expect(claims).toEqual({ ...plainly, jti: claims['jti'] })
    expect(claims).toMatchObject({ exp: made.clock.now + 300, act: { agent: 'https://agent.example' } })
    expect(claims).not.toHaveProperty('sub')
    // One that would live longer than any may is none.
    for (const exp of [made.clock.now + 601, 9_999_999_999]) {
      const far = await roomsToken(made, { claims: { exp } })
      expect(await refusalOf(await exchange(made, { resource: far }))).toMatchObject(
        plain(400, 'invalid_resource_token'),
      )
    }
    expect((await withUpstream(made, {})()).status).toBe(200)
  },
)
