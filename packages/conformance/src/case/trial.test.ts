import { expect, test } from 'vitest'
import { isPause } from './trial.js'

test.each(['1', '3600', 'Fri, 31 Dec 2027 23:59:59 GMT'])('Retry-After may be %s', text => {
  expect(isPause(text)).toBe(true)
})

test.each(['', 'soon', '-1', '1.5', 'Fri, 99 Dec 2027 23:59:59 GMT', '2027-12-31'])('Retry-After is not %s', text => {
  expect(isPause(text)).toBe(false)
})
