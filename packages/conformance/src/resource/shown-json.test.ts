import { expect, test } from 'vitest'
import { isJson, isPartOf } from './shown-json.js'

const whole = '{ "next": 1.0, "items": [ {"id":1,"title":"a\\u0062"}, {"id":2,"title":"c"} ] }'

test('a JSON value is the same in another order and with other spaces, and not with another value', () => {
  expect(isJson('{"b":[1,2], "a":null}', { a: null, b: [1, 2] })).toBe(true)
  expect(isJson('{"b":[2,1],"a":null}', { a: null, b: [1, 2] })).toBe(false)
  expect(isJson('{"b":', { b: 1 })).toBe(false)
})

test.each([
  ['{"items":[{"title":"a\\u0062"},{"title":"c"}]}', 'what stays'],
  ['{ "next": 1.0 }', 'spaces between words'],
  ['{"items":[null,{"id":2}]}', 'an element that became null'],
])('%s is part of the whole: %#, %s', text => {
  expect(isPartOf(text, whole)).toBe(true)
})

test.each([
  ['{"next":1}', 'a number is written anew'],
  ['{"items":[{"title":"ab"}]}', 'a string is written anew'],
  ['{"items":[{"title":"c"},{"title":"a\\u0062"}]}', 'the order is another'],
  ['{"items":[{"body":1}]}', 'a name is new'],
])('%s is no part of it: %s', text => {
  expect(isPartOf(text, whole)).toBe(false)
})
