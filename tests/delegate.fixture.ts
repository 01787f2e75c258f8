import { setTimeout } from 'node:timers/promises'
import { generateSigningKey, type ReceivedMessage } from '@countersign/httpsig'
import { signedMessage } from '@countersign/testing/world/signed-message'
import { asHolder, asKey, type Signer } from '@countersign/testing/world/signer'

// A delegate whose requests to servers on this machine are made one by one.

/** What a server answered. */
export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** Sends a signed request over the network; an endpoint for tokens answers with JSON. */
export async function answerOf(origin: string, message: ReceivedMessage): Promise<Answer> {
  const { method, target, headers, body } = message
  const sent = headers.filter(([name]) => name !== 'host').map(([name, value]): [string, string] => [name, value])
  const init = body === undefined ? {} : { body: new Uint8Array(body) }
  const response = await fetch(origin + target, { method, headers: sent, ...init })
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

/** Sends a request that must be granted. @returns the body of the answer */
export async function granting(origin: string, message: ReceivedMessage): Promise<Answer['body']> {
  const { status, body } = await answerOf(origin, message)
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body
}

/** The request by which a delegate renews its agent token. */
export function renewal(agentServer: string, as: Signer): Promise<ReceivedMessage> {
  return signedMessage({ as, origin: agentServer, target: '/delegate/token', method: 'POST' })
}

/** Enrols a new key by a code, as soon as the agent server has started. @returns a signer with the agent token of the delegate */
export async function enrolled(agentServer: string, code: string): Promise<Signer> {
  const key = await generateSigningKey()
  const body = JSON.stringify({ enrollment: { type: 'code', code } })
  const request = () =>
    signedMessage({
      as: asKey(key),
      origin: agentServer,
      target: '/delegate/token',
      method: 'POST',
      contentType: 'application/json',
      body,
    })
  return asHolder(key, String((await grantingOnceReady(agentServer, request))['agent_token']))
}

/** A server that has just started refuses for a while, and never takes the same signature twice. */
async function grantingOnceReady(origin: string, request: () => Promise<ReceivedMessage>): Promise<Answer['body']> {
  for (let left = 100; ; left--) {
    const { status, body } = await answerOf(origin, await request())
    if (status === 200) return body
    if (body['error'] !== 'temporarily_unavailable' || left === 0) throw new Error(`${status} ${JSON.stringify(body)}`)
    await setTimeout(50)
  }
}
