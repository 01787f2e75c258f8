import { createAgent, delegate, explain, pseudonym } from '@countersign/agent'
import { expect, test } from 'vitest'
import { withFlagNames } from './flag-words.js'

const fetcher = async (): Promise<never> => Promise.reject(new Error('nothing is published'))
const asks = async (): Promise<Response> =>
  new Response(null, { status: 401, headers: { 'agent-auth': 'httpsig; identity=?1' } })
const options = /identifyTo|acceptAuthServer|bodyLimit|`enroll`/

async function thrown(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => expect.fail('it went well'),
    (error: unknown) => Object(error).message,
  )
}

test('texts about options become texts about flags', async () => {
  const identity = delegate({ agentServer: 'https://agent.example' })
  const nobody = createAgent({ identity: pseudonym(), fetcher, fetch: asks })
  const fresh = createAgent({ identity, fetcher, fetch: asks, identifyTo: 'any', bodyLimit: 1 })
  const sentences = [
    explain(await nobody.fetch('https://api.example/')).reason ?? '',
    await thrown(fresh.identify()),
    await thrown(fresh.fetch('https://api.example/', { method: 'POST', body: 'long' })),
    await thrown(nobody.requestAccess({ resource: 'https://api.example', scope: 'a' })),
  ]
  for (const sentence of sentences) {
    expect(sentence).toMatch(options)
    expect(withFlagNames(sentence)).not.toMatch(options)
  }
  expect(withFlagNames(sentences[1] ?? '')).toBe(
    'this delegate is not enrolled yet: run the command enroll AGENT_SERVER --code CODE first',
  )
  expect(withFlagNames('acceptAuthServer does not list this auth server')).not.toMatch(options)
  expect(withFlagNames('anything else')).toBe('anything else')
})
