import type { SigningKey } from '@countersign/httpsig'
import { sendCall, signCall } from './call.js'
import {
  asDelegate,
  asHolder,
  asPublished,
  challengeOf,
  post,
  publishedResourceToken,
  senderOf,
  tokenParts,
} from './signed.js'
import { delegateOf, keepGrant, must, Stopped } from './step.js'
import type { Client, Published } from './world.js'

const flow = 'exchange'

/**
 * A mandate of two hops: the partner's token for the first middle, which exchanges it for the second middle, which exchanges that for
 * the API.
 */
export async function exchange(client: Client): Promise<void> {
  const { addresses } = client.world
  const [first, second] = addresses.middles
  const { key, jwt } = delegateOf(client)
  const { iss: agent, sub: delegate } = tokenParts(jwt).claims
  const upstream = await partnerToken(client, { agent: String(agent), delegate: String(delegate), key })
  const toSecond = await publishedResourceToken(second, {
    aud: addresses.auth,
    agent: first.id,
    key: first.key,
    scope: 'second.read',
  })
  const hop = await exchanged(client, first, { upstream_token: upstream, resource_token: toSecond })
  const asked = await sendCall(
    client,
    await signCall(client, { route: '/rooms', method: 'GET', flow, as: asPublished(second) }),
    { flow },
  )
  const toApi = challengeOf(asked)
  if (toApi === undefined) throw new Stopped(`rooms: ${asked.failure ?? asked.status}`)
  const last = await exchanged(client, second, { upstream_token: hop, resource_token: toApi })
  const call = await signCall(client, {
    route: '/rooms',
    method: 'POST',
    flow,
    as: asHolder(second.key, last),
    body: '{}',
  })
  must(await sendCall(client, call, { flow }), 'call')
}

async function partnerToken(
  client: Client,
  o: { readonly agent: string; readonly delegate: string; readonly key: SigningKey },
): Promise<string> {
  const { addresses } = client.world
  const [first] = addresses.middles
  const resource_token = await publishedResourceToken(first, { ...o, aud: addresses.partner, scope: 'first.read' })
  const form = { request_type: 'auth', resource_token }
  const answer = await post(
    client.world,
    { issuer: addresses.partner, form, as: asDelegate(delegateOf(client)) },
    senderOf(client, flow),
  )
  return String(must(answer, 'partner').body['auth_token'])
}

async function exchanged(
  client: Client,
  by: Published,
  tokens: { readonly upstream_token: string; readonly resource_token: string },
): Promise<string> {
  const { addresses } = client.world
  const form = { request_type: 'exchange', ...tokens }
  const answer = await post(client.world, { issuer: addresses.auth, form, as: asPublished(by) }, senderOf(client, flow))
  return keepGrant(client, must(answer, 'exchange'), {
    tag: `exchange-${crypto.randomUUID()}`,
    way: 'exchange',
    scope: 'rooms.book',
  }).jwt
}
