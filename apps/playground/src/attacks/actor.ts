import { randomBytes } from 'node:crypto'
import { generateSigningKey, type SigningKey } from '@countersign/httpsig'
import { parseAgentAuth } from '@countersign/protocol'
import { invite } from '../invite.js'
import type { Participants } from '../participants.js'
import { type ScriptedUser, scriptedUser } from '../story-user.js'
import type { WireExchange } from './contract.js'
import { type Draft, type Signer, sign } from './signing.js'
import { lineOf, type Send } from './wire.js'

/** A delegate that sends each of its requests by hand, so that an attack can take the place of any of them. */
export interface Actor {
  readonly key: SigningKey
  readonly agentToken: string
  /** Signs with its agent token. */
  readonly identified: Signer
  /** Signs with an auth token. */
  authorized(authToken: string): Signer
}

/** The participants, and how to send to them. */
export interface Place {
  readonly participants: Participants
  readonly send: Send
}

/** Enrols a delegate of the playground's agent server, or of another one. */
export async function enrol(
  { participants, send }: Place,
  at: { readonly id: string; readonly folder: string } = {
    id: participants.addresses.agentServer,
    folder: 'agent-server',
  },
): Promise<Actor> {
  const { code } = await invite(participants, { at: at.id, folder: at.folder, sub: undefined })
  const key = await generateSigningKey()
  const draft = json(at.id, '/delegate/token', { enrollment: { type: 'code', code } })
  const { response } = await send(await sign(draft, { key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } }))
  const { agent_token: agentToken } = JSON.parse(response.body) as { readonly agent_token?: string }
  if (agentToken === undefined) throw new Error(`the agent server gives no agent token: ${response.body}`)
  const authorized = (jwt: string): Signer => ({ key, signatureKey: { scheme: 'jwt', jwt } })
  return { key, agentToken, identified: authorized(agentToken), authorized }
}

/** A POST with a JSON body. */
export function json(to: string, target: string, body: object): Draft {
  return { method: 'POST', to, target, headers: [['content-type', 'application/json']], body: JSON.stringify(body) }
}

/** A token request. */
export function form(to: string, fields: Readonly<Record<string, string>>): Draft {
  const headers = [['content-type', 'application/x-www-form-urlencoded']] as const
  return { method: 'POST', to, target: '/agent/token', headers, body: new URLSearchParams(fields).toString() }
}

/** The resource token of a challenge. @throws Error for a response without one */
export function resourceTokenOf({ response }: WireExchange): {
  readonly resourceToken: string
  readonly authServer: string
} {
  const { resourceToken, authServer } = parseAgentAuth(lineOf(response.headers, 'agent-auth') ?? '')
  if (resourceToken === undefined || authServer === undefined)
    throw new Error(`the resource has not challenged: ${response.status} ${response.body}`)
  return { resourceToken, authServer }
}

/** A request for access that waits for its user. */
export interface Waiting {
  readonly authServer: string
  readonly requestToken: string
  readonly redirectUri: string
  /** Where the user decides. */
  readonly link: string
}

/** Asks for access, which takes a user. */
export async function ask(actor: Actor, token: ReturnType<typeof resourceTokenOf>, { send }: Place): Promise<Waiting> {
  const { resourceToken, authServer } = token
  // Nobody listens there: the scripted browser stops at it.
  const redirectUri = `http://127.0.0.1:9/${randomBytes(16).toString('base64url')}`
  const state = randomBytes(16).toString('base64url')
  const fields = { request_type: 'auth', resource_token: resourceToken, redirect_uri: redirectUri, state }
  const { response } = await send(await sign(form(authServer, fields), actor.identified))
  const { request_token: requestToken } = JSON.parse(response.body) as { readonly request_token?: string }
  if (requestToken === undefined) throw new Error(`the auth server asks no user: ${response.body}`)
  const query = new URLSearchParams({ request_token: requestToken, redirect_uri: redirectUri, state })
  return { authServer, requestToken, redirectUri, link: `${authServer}/agent/authorize?${query}` }
}

/** A user, whose browser stops where the answer goes back to the agent. */
export interface CodeUser {
  readonly user: ScriptedUser
  /** The code of the last answer. */
  readonly code: () => string
}

export function codeUser(name: string): CodeUser {
  let code = ''
  const fetcher: typeof fetch = (input, init) => {
    const url = new URL(String(input))
    if (url.port !== '9') return fetch(input, init)
    code = url.searchParams.get('code') ?? ''
    return Promise.resolve(new Response('<h1>Back at the agent</h1>'))
  }
  return { user: scriptedUser(name, fetcher), code: () => code }
}

/** The request that redeems a code. */
export function redemption({ authServer, requestToken, redirectUri }: Waiting, code: string): Draft {
  return form(authServer, { request_type: 'code', code, redirect_uri: redirectUri, request_token: requestToken })
}

/** What came of an allowed request. */
export interface Allowed {
  readonly authToken: string
  readonly refreshToken?: string
}

/** The tokens of a response. @throws Error for a response without them */
export function tokensOf({ response }: WireExchange): Allowed {
  const { auth_token: authToken, refresh_token: refreshToken } = JSON.parse(response.body) as Partial<
    Record<string, string>
  >
  if (authToken === undefined) throw new Error(`the auth server gives no auth token: ${response.body}`)
  return { authToken, ...(refreshToken === undefined ? {} : { refreshToken }) }
}

/** Gets what a request needs, with the consent of a user: challenge, request, decision, code, token. */
export async function allow(actor: Actor, draft: Draft, place: Place & { readonly signer?: Signer }): Promise<Allowed> {
  const { send, signer = actor.identified } = place
  const waiting = await ask(actor, resourceTokenOf(await send(await sign(draft, signer))), place)
  const ada = codeUser('Ada Lovelace')
  await ada.user.decide(waiting.link, 'Allow')
  return tokensOf(await send(await sign(redemption(waiting, ada.code()), actor.identified)))
}
