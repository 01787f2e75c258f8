import type { Outcome } from '../history.js'
import type { Answer, ToSend } from './send.js'
import { asHolder, type SignsAs, senderOf, signed } from './signed.js'
import type { CapturedCall, Client, HeldGrant } from './world.js'

/** A call of the API. */
export interface ApiCall {
  readonly route: string
  readonly method: 'GET' | 'POST'
  readonly flow: string
  readonly as: SignsAs
  /** Names the request; default a new name. */
  readonly nonce?: string
  readonly grant?: HeldGrant | undefined
  readonly tag?: string | undefined
  readonly body?: string
}

/** Signs a call of the API. */
export async function signCall(client: Client, o: ApiCall): Promise<CapturedCall> {
  const nonce = o.nonce ?? crypto.randomUUID()
  const target = `${o.route}?n=${nonce}`
  const body = o.body === undefined ? undefined : new TextEncoder().encode(o.body)
  const message = await signed(
    {
      id: client.world.addresses.gateway,
      method: o.method,
      target,
      body,
      ...(body === undefined ? {} : { type: 'application/json' }),
    },
    o.as,
  )
  return { nonce, route: o.route, method: o.method, target, headers: message.headers, body: message.body }
}

/** Sends a signed call, through the balancer or to one instance, and writes down what came of it. */
export async function sendCall(
  client: Client,
  call: CapturedCall,
  o: {
    readonly flow: string
    readonly port?: number | undefined
    readonly grant?: HeldGrant | undefined
    readonly tag?: string | undefined
  },
): Promise<Answer> {
  const { world } = client
  const message: ToSend = { id: world.addresses.gateway, port: o.port, ...call }
  const answer = await world.courier.send(message, `${call.method} ${call.route}`, senderOf(client, o.flow))
  world.history.add({
    type: 'call',
    client: client.name,
    nonce: call.nonce,
    route: call.route,
    begin: answer.begin,
    end: answer.end,
    outcome: callOutcome(answer),
    grant: o.grant?.grant,
    tag: o.tag ?? o.grant?.tag,
  })
  return answer
}

/** Signs and sends a call. */
export async function callApi(client: Client, o: ApiCall & { readonly port?: number | undefined }): Promise<Answer> {
  return sendCall(client, await signCall(client, o), o)
}

/** Signs a call under an auth token. */
export function signUnder(client: Client, grant: HeldGrant, o: Omit<ApiCall, 'as' | 'grant'>): Promise<CapturedCall> {
  return signCall(client, { ...o, as: asHolder(grant.delegate.key, grant.jwt), grant })
}

/**
 * `refused` where the answer says that the request was not carried out: a 4xx, or a 503 that is marked as not processed. Any other 503
 * may come after the API has acted.
 */
function callOutcome({ failure, status, headers }: Answer): Outcome {
  if (failure !== undefined) return 'unknown'
  if (status < 400) return 'ok'
  if (status < 500) return 'refused'
  return headers['agent-auth'] === 'httpsig' ? 'refused' : 'unknown'
}

/** A port of one instance, or none for the balancer. */
export function anyPort(client: Client, of: 'auth' | 'agents' | 'gateway'): number | undefined {
  const { random, world } = client
  return random.chance(0.5) ? undefined : random.one(world.addresses.instances[of])
}
