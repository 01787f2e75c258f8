import { generateSigningKey, thumbprint } from '@countersign/httpsig'
import { senderOf, signed } from './signed.js'
import { must } from './step.js'
import type { Client } from './world.js'

const endpoint = '/delegate/token'

/** Enrols a new delegate by an OIDC token that names its key. */
export async function enrol(client: Client): Promise<void> {
  const { addresses, courier } = client.world
  const key = await generateSigningKey()
  const token = await addresses.workloads.sign({
    audience: `${addresses.agents}${endpoint}#${await thumbprint(key.publicJwk)}`,
    run: `${client.name}-${crypto.randomUUID()}`,
  })
  const body = new TextEncoder().encode(JSON.stringify({ enrollment: { type: 'oidc', token } }))
  const message = await signed(
    { id: addresses.agents, method: 'POST', target: endpoint, body, type: 'application/json' },
    { key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } },
  )
  const answer = must(await courier.send(message, 'enrol', senderOf(client, 'enrol')), 'enrol')
  client.delegate = {
    key,
    jwt: String(answer.body['agent_token']),
    expires: Date.now() + Number(answer.body['expires_in']) * 1000,
  }
}
