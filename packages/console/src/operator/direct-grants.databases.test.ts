import { ask, delegate, world } from '@countersign/testing/auth/world'
import { databasesForTests } from '@countersign/testing/databases'
import { expect, onTestFinished, test } from 'vitest'
import { openOperator } from './open-operator.js'

const agent = 'https://agent.example'

for (const { name, away, url } of await databasesForTests(1, 'both'))
  test.skipIf(away !== '')(
    `on ${name}: grants without a user end, and a site without agents has none${away}`,
    async () => {
      const database = url()
      const made = await world({ database })
      const now = () => made.clock.now
      const operator = await openOperator({ issuer: 'https://auth.example', database, now })
      onTestFinished(() => operator.close())
      for (const sub of ['phone', 'laptop']) expect((await ask(made, await delegate(made, sub))).status).toBe(200)
      expect(await operator.grants.revoke({ agent, delegate: 'phone' })).toBe(1)
      expect((await operator.grants.list()).items).toHaveLength(1)
      expect(await operator.agents.affected({ site: 'nobody.example' })).toEqual({ grants: 0, users: 0, agents: [] })
      expect(await operator.agents.block({ site: 'agent.example' })).toEqual({ changed: true, grants: 1 })
    },
  )
