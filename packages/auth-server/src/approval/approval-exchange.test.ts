import { verifies } from '@countersign/requirements'
import { answerPage, digests, tokenIn } from '@countersign/testing/auth/approval'
import { reasonOf } from '@countersign/testing/auth/browser'
import { answerOf, browserOf, open } from '@countersign/testing/auth/consent'
import {
  downstreamId,
  type ExchangeWorld,
  exchange,
  exchangeWorld,
  middleCallback,
  middleId,
  roomsToken,
  upstreamToken,
} from '@countersign/testing/auth/exchange'
import { callAs, own, ownWorld } from '@countersign/testing/auth/own-world'
import { calendarToken } from '@countersign/testing/auth/two-auth-servers'
import { agentServer, send } from '@countersign/testing/auth/world'
import { part } from '@countersign/testing/json-web-token'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import { expect, test } from 'vitest'

const operation = { name: 'book', digest: digests[0], display: ['Book ', 'room 5'] }

async function place(): Promise<ExchangeWorld & { readonly told: string[] }> {
  const told: string[] = []
  const made = await ownWorld({
    async fetch(input, init) {
      told.push(new URLSearchParams(await new Request(input, init).text()).get('grant') ?? '')
      return new Response(null, { status: 204 })
    },
  })
  publishResource(made, downstreamId, [made.roomsKey], {
    supported_scopes: ['rooms.read', 'rooms.book'],
    operations: { book: 'Book a room' },
    revocation_endpoint: `${downstreamId}/aauth/revoked-grants`,
  })
  return { ...made, told }
}

/** The middle asks about one call at rooms. */
async function ask(made: ExchangeWorld, upstream: string): Promise<Response> {
  const resource = await roomsToken(made, { claims: { scope: 'rooms.read', operation } })
  return exchange(made, { upstream, resource })
}

const linkTo = (request_token: string): string =>
  `/agent/authorize?${new URLSearchParams({ request_token, redirect_uri: middleCallback, state: 's1' })}`

test(
  verifies(
    'APR-07',
    'REV-30',
    'approval.asked',
    'in an exchange the user it is for is asked, though a rule says direct',
  ),
  async () => {
    const made = await place()
    const ada = await browserOf(made, 'ada')
    const { token, refresh_token } = await callAs(made, ada)
    const { request_token } = await bodyOf(await ask(made, token))
    const grace = await open(await browserOf(made, 'grace'), linkTo(String(request_token)))
    expect([grace.status, await reasonOf(grace)]).toEqual([403, 'user_mismatched'])
    // That browser has it now, so it is asked about anew.
    const again = await bodyOf(await ask(made, token))
    const back = await answerPage(ada, linkTo(String(again['request_token'])), 'approve')
    const code = answerOf(back).searchParams.get('code') ?? ''
    const form = { request_type: 'code', code, request_token: String(again['request_token']) }
    const redeemed = await send(made, made.middle, { ...form, redirect_uri: middleCallback })
    const issued = await tokenIn(redeemed)
    expect(issued).toMatchObject({
      aud: downstreamId,
      scope: 'rooms.read',
      operation_digest: digests[0],
      act: { iss: own, agent: 'https://agent.example' },
    })
    await send(made, agentServer(made), { token: refresh_token }, { target: '/agent/revoke' })
    await expect.poll(() => made.told).toContain(issued['grant'])
  },
)

test(
  verifies('APR-17', 'approval.display', 'an operation that the downstream resource does not list is refused'),
  async () => {
    const made = await place()
    const { token } = await callAs(made, await browserOf(made, 'ada'))
    const resource = await roomsToken(made, {
      claims: { scope: 'rooms.read', operation: { ...operation, name: 'burn' } },
    })
    const refused = await exchange(made, { upstream: token, resource })
    expect(await refusalOf(refused)).toEqual(plain(400, 'invalid_resource_token', 'operation_malformed'))
    expect((await ask(made, token)).status).toBe(200)
  },
)

test(
  verifies('REV-30', 'approval.token', 'a middle exchanges the approval of its own call, until that has ended'),
  async () => {
    const made = await place()
    publishResource(made, middleId, [made.middleKey], {
      supported_scopes: ['events.write'],
      operations: { plan: 'Plan a meeting' },
      revocation_endpoint: `${middleId}/aauth/revoked-grants`,
    })
    const [ada, agent] = [await browserOf(made, 'ada'), agentServer(made)]
    const { token, refresh_token } = await callAs(made, ada)
    const call = { operation: { name: 'plan', digest: digests[1] }, sub: String(part(token, 1)['sub']) }
    const resource_token = await calendarToken(made, agent, { aud: own, ...call })
    const redirect_uri = 'https://agent.example/callback'
    const asked = await bodyOf(
      await send(made, agent, { request_type: 'auth', resource_token, redirect_uri, state: 'a1' }),
    )
    const request_token = String(asked['request_token'])
    const query = new URLSearchParams({ request_token, redirect_uri, state: 'a1' })
    const back = await answerPage(ada, `/agent/authorize?${query}`, 'approve')
    const code = answerOf(back).searchParams.get('code') ?? ''
    const redeemed = await send(made, agent, { request_type: 'code', code, request_token, redirect_uri })
    const upstream = String((await bodyOf(redeemed))['auth_token'])
    const passed = await tokenIn(await exchange(made, { upstream }))
    expect(passed).toMatchObject({ aud: downstreamId, act: { iss: own, agent: 'https://agent.example' } })
    expect(passed).not.toHaveProperty('operation_digest')
    await send(made, agent, { token: refresh_token }, { target: '/agent/revoke' })
    // All three are told of: the grant, the approval under it, and what came of that.
    await expect.poll(() => made.told).toContain(passed['grant'])
    expect(await refusalOf(await exchange(made, { upstream }))).toEqual(plain(400, 'invalid_auth_token', 'grant_ended'))
  },
)

test(verifies('APR-07', 'approval.asked', 'an exchange for a user who is not known here has no approver'), async () => {
  const made = await exchangeWorld()
  publishResource(made, downstreamId, [made.roomsKey], {
    supported_scopes: ['rooms.read', 'rooms.book'],
    operations: { book: 'Book a room' },
  })
  const upstream = await upstreamToken(made)
  expect(await refusalOf(await ask(made, upstream))).toEqual(plain(403, 'access_denied', 'approver_missing'))
  // The twin asks for access, which the rule gives.
  expect((await exchange(made, { upstream })).status).toBe(200)
})
