import { expect, test } from 'vitest'
import { liveMarkup, markup, markupWord } from './live-markup.js'

const text = markup('name')
const escaped = text.replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const quoted = escaped.replaceAll('"', '&quot;')

test('markup is live where a browser takes it for an element or a handler', () => {
  expect(liveMarkup(`<p>It is ${text}</p>`)).toEqual(['name'])
  expect(liveMarkup(`<p>${markupWord('scope')}</p>`)).toEqual(['scope'])
  expect(liveMarkup(`<input value="${text}">`)).toEqual(['name'])
  expect(liveMarkup(`<p title='x' class="y"><b>${text}</b></p> <p>${markup('purpose')}`)).toEqual(['name', 'purpose'])
  // As a browser serialises what it has read.
  expect(liveMarkup('<p>"&gt;<img src="x" onerror="conformance(name)"></p>')).toEqual(['name'])
})

test('a quotation mark that ends an attribute lets a handler in', () => {
  expect(liveMarkup(`<input value="${escaped}"> <a title="x">y</a>`)).toEqual(['name'])
})

test('escaped markup is inert', () => {
  expect(liveMarkup(`<p>${quoted}</p><input value="${quoted}"><p>${escaped}</p>`)).toEqual([])
  // As a browser serialises the value of an attribute.
  expect(liveMarkup(`<input value="${text.replaceAll('"', '&quot;')}">`)).toEqual([])
  expect(liveMarkup(`<!-- ${text} --><p>${quoted}</p>`)).toEqual([])
})
