// The keys of the worked messages. They are published: anyone can sign with them. Never use one for anything but tests.
import { importSigningKey } from '@countersign/httpsig'

/** Private Ed25519 keys by the name of their holder. Ed25519 signatures hold no random part, so the messages come out the same. */
export const testKeys = {
  agent: testKey('5TZAriKSUTxWbHThC1MXmMwpeiojosmgpu71ge8eAPQ', 'C9EDBrhF1elgKueFKPIhZWz1_LfiGdZx2i7Bc7N9Guw'),
  calendar: testKey('VBDLTbaHsbDsB2MAyxi2dlea1hP8POaNPSypCpjlUtE', 'ah0XKUcwSYC2gK41ensQCpxhtQp4IQSR5Y23pU_lSvc'),
  rooms: testKey('OOHnIgwNWWs9-ZA1GPgYoyk_7yB3IVKYL1SM-gZ0fEQ', 'AhB9jaegNaiDAeAGuvVzdLiuviN2A00vt6NXPqK3NXk'),
  doors: testKey('FAbphJebrsXTYt6QzqT-za9SZ3lI8T5x48sy8FdjAnY', 'Y7JnG1mi0kxwNebQOTGq-aAYsaTuXpK_2MikAlZY3Ms'),
  board: testKey('sPT00mgzAsysAQFAsB3qMNp0kBPpRfNneldUHSnBNcY', 'MoGkt8Q5X7oPMOuE-sKuI5IGpYF_K903kAGdkkITS6U'),
  auth: testKey('dZrUc9Vk3cHUTgVFKMzbuTwGKI0kZug2KPXXf5UoIJ0', '-tPX-Zbx_rCviKc_DbMcT0vx6nU5F7a6vYrBtfr8KbY'),
  roomsAuth: testKey('RiIHD8dPOpfkvv6UeIs04Q6pxTXdc63SgldL4bgBz38', 'ttTSToVRXj4VdkqArQQLIXdMqZ2tYoXQapuFmtolqTw'),
  pseudonym: testKey('FHObURaoxvtlLZly-2uUj9Xx4tTvqzdqOnXGYKM_TYE', 'gc1GLskY1l5kOC9bFi3Ngg3qk5C49V6IjGfR7H6vjPE'),
  phone: testKey('B82DV_E1e0avql0jX8ilkrMDFy9kVfjuTEzOl_h1MSU', 'rscTM-oE-0Qzx1FlC8TDep2huxFaPRSGXmnW8VFmDHA'),
  phoneNext: testKey('92ziLY6HQyLS5v0ZDsv_0WPc1WoZAok22keaOQ3mZME', 'ecMqIU4OQ0uDi7Cp3UjKV3VnUqaiaBpB2CAmr-JwTp8'),
  tablet: testKey('r1HI6WmxkuWYVx4tZw5GQS8KaVmgiQavEJHW0PVk56o', 'AysHa7Sm2tyP6XASLIwEHRUca8PZ3R5tMytdwybWHqE'),
  shop: testKey('vJSgdOjZSSIu7ed7656rCzqdxnjXrqf7vhujplJpvJs', 'OtmGR_QYmCNvbUXoPowrG9O6J99khUrBkZSMCORdlm0'),
}

function testKey(d, x) {
  return { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', d, x }
}

/** The public half of a test key. */
export function publicHalf({ kty, crv, alg, x }) {
  return { kty, crv, alg, x }
}

/** Signing keys by the name of their holder. */
export async function signingKeys() {
  const made = Object.entries(testKeys).map(async ([name, jwk]) => [name, await importSigningKey(jwk)])
  return Object.fromEntries(await Promise.all(made))
}
