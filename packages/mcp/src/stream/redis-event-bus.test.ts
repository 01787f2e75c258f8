import { redisForTests } from '@countersign/testing/redis'
import { stopsAfterTests } from '@countersign/testing/stops'
import { expect, test } from 'vitest'
import { redisEventBus } from '../redis.js'

const { url, away, prefix } = await redisForTests()
const on = test.skipIf(away !== '')
const stops = stopsAfterTests()

async function opened() {
  const bus = await redisEventBus({ url, prefix })
  stops.push(() => bus.close())
  return bus
}

on(`what one instance tells, subscribers of all hear once${away}`, async () => {
  const [one, two] = [await opened(), await opened()]
  const heard = { one: [] as unknown[], two: [] as unknown[] }
  const told = { kind: 'resource_updated', uri: 'note://1' } as const
  one.publish({ kind: 'resource_updated', uri: 'note://before' })
  await new Promise(resolve => setTimeout(resolve, 300))
  const end = one.subscribe(event => heard.one.push(event))
  two.subscribe(event => heard.two.push(event))
  await new Promise(resolve => setTimeout(resolve, 600))
  one.publish(told)
  expect(heard.one, 'at once where it was told').toEqual([told])
  await expect.poll(() => heard.two, { timeout: 5000 }).toEqual([told])
  two.publish(told)
  await expect.poll(() => heard.one, { timeout: 5000 }).toEqual([told, told])
  await new Promise(resolve => setTimeout(resolve, 900))
  expect(heard).toEqual({ one: [told, told], two: [told, told] })
  end()
  two.publish(told)
  await new Promise(resolve => setTimeout(resolve, 900))
  expect(heard.one).toHaveLength(2)
})

on(`a subscriber that throws does not keep the others from hearing${away}`, async () => {
  const errors: unknown[] = []
  const bus = await redisEventBus({ url, prefix: `${prefix}:2`, onError: error => errors.push(error) })
  stops.push(() => bus.close())
  let heard = 0
  bus.subscribe(() => {
    throw new Error('mine')
  })
  bus.subscribe(() => heard++)
  bus.publish({ kind: 'tools_list_changed' })
  expect(heard).toBe(1)
  expect(errors).toEqual([new Error('mine')])
})
