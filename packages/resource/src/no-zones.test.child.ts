// A resource in a runtime without time zones. It prints which conditions it lists, and how it answers under none and under `hours`.
import { pathOf } from '@countersign/httpsig/internal'
import { asHolder } from '@countersign/testing/world/signer'
import { makeWorld } from './world.test.fixture.js'

if (process.argv[2] === 'without') Reflect.deleteProperty(globalThis, 'Intl')

const world = await makeWorld()
const calendar = world.calendar()
const metadata = await calendar.handle({ method: 'GET', target: '/.well-known/aauth-resource', headers: [] })
const { constraints_supported: listed } = JSON.parse((await metadata?.text()) ?? '') as {
  constraints_supported: string[]
}
const route = calendar.declare({ scope: 'events.read' }, { answers: 'projected' })

async function answer(constraints: readonly object[]): Promise<string> {
  const as = asHolder(world.delegateKey, await world.authToken({ constraints }))
  const { method, target, headers } = await world.request({ as, target: '/events' })
  const verdict = await calendar.authorize({ method, target: pathOf(target), headers }, route)
  if (verdict.ok) return 'passes'
  const { reason } = (await verdict.response.json()) as { reason: string }
  return `${verdict.response.status} ${reason}`
}

const always = { type: 'hours', zone: 'UTC', days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '00:00' }
console.log(JSON.stringify({ listed, none: await answer([]), hours: await answer([always]) }))
