// A delegate under conditions at a shop, and one payment that its user approves.
import { createHash } from 'node:crypto'
import { exchanged, resourceTokenOf, visit } from './exchange.mjs'
import { publicHalf, testKeys } from './keys.mjs'
import { agentId, authId, callback, shopId } from './participants.mjs'

const state = 'q2Vb9sYpLw'

/** From the agent token with conditions to a request that they let pass. Returns how the tablet signs, under each of its tokens. */
export async function delegationPolicy(stage) {
  const tablet = await enrolment(stage)
  await exchanged(stage, {
    name: 'policy-refused',
    at: 3510,
    section: '9.2',
    ...tablet,
    method: 'POST',
    url: `${shopId}/orders/cancel`,
    json: { order: 'A chess clock' },
  })
  const list = { section: '9.3', url: `${shopId}/orders` }
  await exchanged(stage, { name: 'policy-challenge', at: 3511, ...list, ...tablet })
  const { auth_token } = await askedUser(stage, { name: 'policy', at: 3512, section: '9.3', ...tablet })
  const holder = { ...tablet, signatureKey: { scheme: 'jwt', jwt: auth_token } }
  await exchanged(stage, { name: 'policy-authorized', at: 3526, ...list, ...holder })
  return { tablet, holder }
}

async function enrolment(stage) {
  stage.beginRandom('invitation of the tablet')
  const conditions = [
    { type: 'scopes', any: ['orders'] },
    { type: 'hours', zone: 'Europe/Paris', days: [1, 2, 3, 4, 5], from: '09:00', to: '18:00' },
  ]
  const delegation = { conditions, receivers: [shopId, authId] }
  const { code } = await stage.participants.agentServer.invite({ sub: 'tablet', delegation })
  const { agent_token } = await exchanged(stage, {
    name: 'policy-enrolment',
    at: 3500,
    section: '9.2',
    key: 'tablet',
    method: 'POST',
    signatureKey: { scheme: 'hwk', jwk: publicHalf(testKeys.tablet) },
    url: `${agentId}/delegate/token`,
    json: { enrollment: { type: 'code', code } },
  })
  return { key: 'tablet', signatureKey: { scheme: 'jwt', jwt: agent_token } }
}

/** A payment: challenged, approved, made; then what the yes is not good for. */
export async function approvalOfOneCall(stage, { tablet, holder }) {
  const paying = euros => ({
    section: '9.4',
    method: 'POST',
    url: `${shopId}/payments`,
    json: { order: 'A chess clock', euros },
  })
  await exchanged(stage, { name: 'approval-challenge', at: 3530, ...paying(40), ...holder })
  stage.messages.at(-1).digested = digested(stage.messages.at(-1), operationOf(resourceTokenOf(stage)))
  const { auth_token } = await askedUser(stage, { name: 'approval', at: 3531, section: '9.4', ...tablet })
  const approved = { ...tablet, signatureKey: { scheme: 'jwt', jwt: auth_token } }
  await exchanged(stage, { name: 'approval-authorized', at: 3545, ...paying(40), ...approved })
  await exchanged(stage, { name: 'approval-changed', at: 3546, ...paying(4000), ...approved })
  await exchanged(stage, { name: 'approval-used', at: 3547, ...paying(40), ...approved })
}

/** The auth request for the challenge before, the user's yes, and the code. */
async function askedUser(stage, { name, at, ...signer }) {
  const asked = { ...signer, method: 'POST', url: `${authId}/agent/token` }
  const resource_token = resourceTokenOf(stage)
  const { request_token } = await exchanged(stage, {
    name: `${name}-auth`,
    at,
    ...asked,
    form: { request_type: 'auth', resource_token, redirect_uri: callback, state },
  })
  const query = { request_token, redirect_uri: callback, state }
  const returned = await visit(stage, { at: at + 8, url: `${authId}/agent/authorize`, query })
  return exchanged(stage, {
    name: `${name}-code`,
    at: at + 12,
    ...asked,
    form: { request_type: 'code', code: returned.get('code'), redirect_uri: callback, request_token },
  })
}

function operationOf(resourceToken) {
  return JSON.parse(Buffer.from(resourceToken.split('.')[1], 'base64url')).operation
}

/** The text that an approval is for, put together here from the signature base, and compared with what the resource made of it. */
function digested({ signature }, { digest, display }) {
  const lines = signature.base.split('\n')
  const names = ['@method', '@authority', '@path', '@query', 'content-type', 'content-encoding', 'content-digest']
  const covered = names.flatMap(name => lines.find(line => line.startsWith(`"${name}": `)) ?? [])
  const text = [...covered, `"display": ${display.join('\u001f')}`].join('\n')
  const own = createHash('sha256').update(text).digest('base64url')
  if (own !== digest) throw new Error('the digest of the operation is of another text')
  return text
}
