import { createDiscovery } from '@countersign/discovery'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { makeWeb } from '@countersign/testing/world/web'
import {
  bytesOf,
  readVectors,
  readWorld,
  type VectorAsked,
  type VectorRefusal,
  type VectorTokenAnswer,
} from '@countersign/vectors'
import { describe, expect, test } from 'vitest'
import { AgentError } from './error.js'
import { decideNextStep, type NextStep, type Progress } from './fetch/next-step.js'
import type { GrantInteraction } from './grant/interact.js'
import { checkGrant } from './grant/token-request.js'
import { requestConsent } from './interact/consent-request.js'
import { checkDeviceAnswer } from './interact/device-code.js'
import { pauseAfter } from './interact/poll.js'
import { deniedError } from './wire/participant.js'
import { readResponseFacts } from './wire/response-facts.js'

const { documents, time } = readWorld()
const host = 'calendar.example'

/** What the agent does after a refusal, in the words of the vectors. */
async function judgeRefusal({ level, safe, answer }: VectorRefusal): Promise<object> {
  const headers = new Headers()
  for (const [name, value] of answer.headers) headers.append(name, value)
  const facts = await readResponseFacts(
    new Response(new Uint8Array(bytesOf(answer.body)), { status: answer.status, headers }),
    time,
  )
  const { error, reason, agentAuth, retryAfter } = facts
  if (agentAuth === 'malformed') return { result: 'refuse', member: 'agent-auth' }
  const progress = { level, safe, rounds: 0, followedLimit: false, waited: false, covered: false, coded: false }
  const step = decideNextStep(facts, progress satisfies Progress, host)
  const { authToken, resourceToken, authServer, userInteraction, ...same } = agentAuth ?? {}
  const challenge = {
    ...same,
    ...(authToken && { auth_token: authToken, resource_token: resourceToken, auth_server: authServer }),
    ...(userInteraction !== undefined && { user_interaction: userInteraction }),
  }
  return {
    result: 'accept',
    error,
    reason,
    ...(retryAfter !== null && { retry_after: Number(retryAfter) }),
    ...(agentAuth !== undefined && { challenge }),
    ...(step.do === 'cover' && { cover: step.components }),
    do: namedStep(step),
  }
}

function namedStep(step: NextStep): string {
  if (step.do !== 'return') return step.do
  return { unknown: 'outcome-unknown', withheld: 'carried-out' }[String(step.outcome)] ?? 'stop'
}

const waits: Readonly<Record<number, string>> = { 0: 'wait', 5: 'wait-longer' }

/** What the agent does with an answer of a token endpoint. */
async function judgeAnswer({ asked, answer }: VectorTokenAnswer, at: number): Promise<object> {
  const { status, json } = answer
  if (status !== 200) return { do: afterError(String(json['error'])) }
  if ('auth_token' in json || !['auth', 'exchange', 'device_auth'].includes(asked.request_type))
    return issued(asked, json, at)
  const begin = async () => ({ answer: json })
  const context = { development: false }
  if (asked.request_type === 'device_auth') {
    const { deviceCode, interval, shown } = checkDeviceAnswer(json, interactionFor(asked), context)
    const { user_code, verification_uri, expires_in } = shown
    return { do: 'show-code', device_code: deviceCode, user_code, verification_uri, expires_in, interval }
  }
  const authEndpoint = async () => `${asked.auth_server}/authorize`
  const form = { redirect_uri: 'https://agent.example/callback', state: 's' }
  const found = await requestConsent({ begin, authEndpoint }, form, context)
  if (!('requestToken' in found)) throw new Error('no question')
  return { do: 'send-user', request_token: found.requestToken, expires_in: found.seconds }
}

function interactionFor(asked: VectorAsked): Pick<GrantInteraction, 'asked' | 'user'> {
  return { asked: { issuer: asked.auth_server, resource: asked.resource, scope: asked.scope }, user: undefined }
}

function afterError(error: string): string {
  try {
    return waits[pauseAfter(deniedError('auth server', { error }), 1, 'late')] ?? 'another pause'
  } catch (thrown) {
    return thrown instanceof AgentError && thrown.code === 'denied' ? 'denied' : 'expired'
  }
}

async function issued(asked: VectorAsked, json: Readonly<Record<string, unknown>>, at: number): Promise<object> {
  const { auth_server: issuer, resource, scope, purposes, agent, delegate, jkt, operation_digest: digest } = asked
  const now = () => at
  const key = await generateSigningKey()
  const self = {
    agent,
    ...(delegate !== undefined && { delegate }),
    key,
    jkt,
    signatureKey: { scheme: 'jwt', jwt: '' },
  } as const
  const discovery = createDiscovery({ now, fetcher: makeWeb(new Map(Object.entries(documents))).fetcher })
  const operation = digest === undefined ? undefined : { digest }
  const wanted = { issuer, resource, scope, purposes, operation }
  const post = () => Promise.reject(new Error('nothing is sent'))
  const grant = await checkGrant(json, { asked: wanted, self }, { discovery, post, now, development: false })
  return {
    do: 'use',
    scope: grant.scope === '' ? [] : grant.scope.split(' '),
    expires: grant.expires,
    ...(grant.sub !== undefined && { user: { iss: issuer, sub: grant.sub } }),
    refresh_token: grant.refreshToken !== undefined,
  }
}

/** Codes of AAuth in the place of a member: the token itself is wrong. */
const tokenCodes = ['invalid_auth_token', 'untrusted_issuer', 'policy_denied', 'discovery_failed']

describe('refusals of the vectors', () => {
  for (const { id, title, clauses, input, expect: expected } of readVectors('refusals'))
    test(verifies(...(clauses as [string]), `${title} (${id})`), async () => {
      expect(await judgeRefusal(input)).toEqual(expected)
    })
})

describe('token answers of the vectors', () => {
  for (const { id, title, clauses, input, at = time, expect: expected } of readVectors('token-answers'))
    test(verifies(...(clauses as [string]), `${title} (${id})`), async () => {
      const found = await judgeAnswer(input, at).then(
        facts => ({ result: 'accept', ...facts }),
        (error: unknown) => {
          if (!(error instanceof AgentError)) throw error
          const { member } = error.cause as { readonly member: string }
          return { result: 'refuse', member: tokenCodes.includes(member) ? 'auth_token' : member }
        },
      )
      expect(found).toEqual(expected)
    })
})
