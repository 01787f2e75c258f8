import { sendCall, signCall, signUnder } from './call.js'
import { anyUser, askInBrowser } from './consent.js'
import { challenge } from './direct.js'
import { asHolder, challengeOf } from './signed.js'
import { nextTag, Stopped } from './step.js'
import type { Client, HeldGrant } from './world.js'

/** Seconds that a token may be old before another grant is asked for. */
const fresh = 300

/** A single call that its user approves or refuses; the approved one is sent to all instances at once, each signed anew. */
export async function approval(client: Client): Promise<void> {
  const grant = await mailGrant(client)
  try {
    await approve(client, grant)
  } catch (error) {
    // The next try is for another user: this one may have been asked too often meanwhile.
    grant.issued = 0
    throw error
  }
}

async function approve(client: Client, grant: HeldGrant): Promise<void> {
  const flow = 'approval'
  const { key } = grant.delegate
  const nonce = crypto.randomUUID()
  const mail = { route: '/mail', method: 'POST', flow, nonce, body: JSON.stringify({ to: 'bob@example.org' }) } as const
  const asking = await sendCall(client, await signUnder(client, grant, mail), { flow, grant })
  const resourceToken = challengeOf(asking)
  if (resourceToken === undefined) throw new Stopped(`mail: ${asking.failure ?? asking.status}`)
  const tag = nextTag(client, 'approval')
  const decision = client.random.chance(0.7) ? 'allow' : 'deny'
  const user = grant.user ?? ''
  const approved = await askInBrowser(client, {
    tag,
    flow,
    way: 'approval',
    resourceToken,
    scope: 'mail.send',
    user,
    decision,
  })
  const as = asHolder(key, approved?.jwt ?? grant.jwt)
  const answers = await Promise.all(
    client.world.addresses.instances.gateway.map(async port =>
      sendCall(client, await signCall(client, { ...mail, as }), { flow, port, grant: approved ?? grant, tag }),
    ),
  )
  const passed = answers.filter(({ status }) => status === 200).length
  if (approved !== undefined && passed === 0)
    throw new Stopped(`mail: ${answers.map(({ failure, status }) => failure ?? status).join(' and ')}`)
}

async function mailGrant(client: Client): Promise<HeldGrant> {
  const known = client.held.find(
    ({ scope, ended, issued, delegate }) =>
      scope === 'mail.send' && !ended && delegate === client.delegate && Date.now() - issued < fresh * 1000,
  )
  if (known !== undefined) return known
  const resourceToken = await challenge(client, '/mail', 'approval')
  const tag = nextTag(client, 'consent')
  const o = {
    tag,
    flow: 'approval',
    way: 'consent',
    scope: 'mail.send',
    user: anyUser(client),
    decision: 'allow',
  } as const
  const grant = await askInBrowser(client, { ...o, resourceToken })
  if (grant === undefined) throw new Stopped('no grant')
  return grant
}
