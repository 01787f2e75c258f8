import { expect, test } from 'vitest'
import * as bridge from './bridge.js'

test('the entry point of the bridge exports this name and no other', () => {
  expect(Object.keys(bridge)).toEqual(['bridge'])
})
