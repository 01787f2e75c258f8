import { expect, test } from 'vitest'
import { closingOnFailure } from './closing-on-failure.js'

function closable(closed: string[], name: string, fault?: Error) {
  return {
    async close() {
      closed.push(name)
      if (fault !== undefined) throw fault
    },
  }
}

test('a start that fails closes all that it opened, and its own error is thrown', async () => {
  const closed: string[] = []
  const starting = closingOnFailure(async opened => {
    opened(closable(closed, 'replay', new Error('already closed')))
    opened(closable(closed, 'counter'))
    throw new TypeError('the keys are missing')
  })
  await expect(starting).rejects.toThrow(new TypeError('the keys are missing'))
  expect(closed).toEqual(['replay', 'counter'])
})

test('a start that succeeds keeps all open', async () => {
  const closed: string[] = []
  await closingOnFailure(async opened => {
    opened(closable(closed, 'replay'))
  })
  expect(closed).toEqual([])
})
