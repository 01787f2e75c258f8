// A program that calls an API with the agent of @countersign/agent, as a delegate:
//   agent.fixture.mjs AGENT-SERVER STATE-FILE AUTH-SERVER enrol CODE
//   agent.fixture.mjs AGENT-SERVER STATE-FILE AUTH-SERVER GET|POST link|code|none|pseudonym|other URL
import { createAgent, delegate, deviceCode, explain, pseudonym } from '@countersign/agent'
import { fileState, loopback } from '@countersign/agent/node'

const [agentServer, file, authServer, verb, how, url] = process.argv.slice(2)
const enroll = verb === 'enrol' ? { enroll: { type: 'code', code: how } } : {}
const interact = {
  link: () => loopback({ open: link => console.error(`open ${link}`) }),
  code: () =>
    deviceCode({ show: shown => console.error(`open ${shown.verification_uri} and type ${shown.user_code}`) }),
}
const agent = createAgent({
  ...(how === 'pseudonym'
    ? { identity: pseudonym() }
    : { identity: delegate({ agentServer, ...enroll }), state: fileState(file), identifyTo: 'any' }),
  acceptAuthServer: [authServer],
  development: true,
  ...(how in interact ? { interact: interact[how]() } : {}),
})
if (verb === 'enrol') {
  await agent.identify()
  process.exit(0)
}
const json = { body: '{}', headers: { 'content-type': 'application/json' } }
try {
  const caller = how === 'other' ? agent.forUser('another user') : agent
  const response = await caller.fetch(url, { method: verb, ...(verb === 'POST' ? json : {}) })
  await response.text()
  if (!response.ok) console.error(explain(response).reason)
  process.exit(response.ok ? 0 : 1)
} catch (error) {
  console.error(String(error), error.url ?? '')
  process.exit(1)
}
