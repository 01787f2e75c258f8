import { openStore } from '@countersign/store'
import { databasesForTests } from '@countersign/testing/databases'
import { expect, onTestFinished, test } from 'vitest'
import { migrations, room, type Tables } from '../tables/tables.js'
import { pollsIn } from './polls.js'

for (const { name, away, url } of await databasesForTests(1, 'both'))
  test.skipIf(away !== '')(`on ${name}: a device polls in time or not, whichever instance it asks${away}`, async () => {
    const database = url()
    const clock = { now: 1000 }
    const instances = [1, 2, 3].map(async () => {
      const store = await openStore<Tables>({ url: database, room, migrations })
      onTestFinished(() => store.close())
      return pollsIn(store, () => clock.now)
    })
    const [one, two, three] = await Promise.all(instances)
    const after = async (seconds: number, polls = one): Promise<string | undefined> => {
      clock.now += seconds
      return polls?.note('device')
    }
    expect(await after(0, one)).toBe('in time')
    expect(await after(4, two)).toBe('too soon')
    // Ten seconds now.
    expect(await after(6, three)).toBe('too soon')
    expect(await after(15, one)).toBe('in time')
    expect(await two?.note('another device')).toBe('in time')
    const atOnce = await Promise.all([one, two, three, one, two].map(polls => polls?.note('third device')))
    expect(atOnce.filter(outcome => outcome === 'in time')).toHaveLength(1)
    // A clock that was set back.
    expect(await after(-500)).toBe('in time')
  })
