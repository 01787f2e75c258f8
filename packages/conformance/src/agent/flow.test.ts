import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTrial } from '../case/trial.js'
import { readAgentConfiguration } from '../config/agent-configuration.js'
import { openTokenDesk } from '../participants/desk.js'
import { openParticipant, type Participant, publishedKey } from '../participants/participant.js'
import { makeKey } from '../signing/key.js'
import { readToken } from '../signing/token.js'
import { type Flow, flow, withClaims } from './flow.js'
import type { AgentStage } from './stage.js'

// An agent in this process, which signs nothing in truth: the suite answers it all the same.

const identity = 'http://localhost:1'
const configuration = readAgentConfiguration({ identity }, ['agent'])
const key = makeKey()
const headers = {
  'signature-key': `sig=jwks_uri;id="${identity}";kid="k1"`,
  'signature-input': 'sig=("@method");created=1',
  signature: 'sig=:AA==:',
}
let authServer: Participant
beforeAll(async () => {
  authServer = await openParticipant({ roles: {} })
})
afterAll(() => authServer.origin.close())

/** The token answer of a flow: what it says of the token, and what its token says. */
async function answerOf(change: Partial<Flow>): Promise<{ said: unknown; life: number }> {
  let answer: { auth_token: string; expires_in: number } | undefined
  const stage: AgentStage = {
    configuration,
    authServer,
    otherAuthServer: authServer,
    stranger: authServer,
    desk: openTokenDesk(authServer),
    keys: async () => new Map([['k1', publishedKey('k1', key)]]),
    controls: new Map(),
    now: () => Math.floor(Date.now() / 1000),
    async runProgram({ url }) {
      const challenge = await fetch(url, { headers })
      const [, resource_token = ''] = /resource_token="([^"]*)"/.exec(challenge.headers.get('agent-auth') ?? '') ?? []
      const body = new URLSearchParams({ request_type: 'auth', resource_token })
      const asked = await fetch(`${authServer.id}/agent/token`, { method: 'POST', body })
      answer = (await asked.json()) as typeof answer
      return { code: 0, wasEnded: false, output: '' }
    },
  }
  const trial = openTrial(() => Promise.reject(new TypeError('an agent is sent nothing')))
  await flow(trial, stage, { title: 'a flow', ...change })
  const { iat, exp } = readToken(answer?.auth_token ?? '')?.claims ?? {}
  return { said: answer?.expires_in, life: Number(exp) - Number(iat) }
}

test('expires_in of a token answer says what exp of its token says', async () => {
  expect(await answerOf({})).toEqual({ said: 600, life: 600 })
  const short = withClaims(() => ({ iat: 1_800_000_000, exp: 1_800_000_005 }))
  expect(await answerOf({ authToken: short })).toEqual({ said: 5, life: 5 })
})
