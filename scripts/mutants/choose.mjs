// Which mutants are judged.

/** All mutants that the flags name, or a sample of them that follows from the seed. @throws Error for a name that chooses none */
export function chooseMutants(all, { only = [], group = [], role, outside, inside, sample, seed }) {
  const chosen = all.filter(
    ({ id, requirements, file, cases, tests }) =>
      (only.length === 0 ||
        only.some(name => id === name || id.startsWith(`${name}:`) || requirements.includes(name))) &&
      (group.length === 0 || group.includes(file.split('/')[1])) &&
      (role === undefined || cases[role] !== undefined) &&
      (outside !== true || Object.keys(cases).length > 0) &&
      (inside !== true || (Object.keys(cases).length === 0 && tests.length > 0)),
  )
  if (chosen.length === 0) throw new Error('no mutant has such a name')
  return sample === undefined ? chosen : sampleOf(chosen, Number(sample), Number(seed ?? 1))
}

function sampleOf(mutants, count, seed) {
  const random = randomFrom(seed)
  return mutants
    .map(mutant => ({ mutant, order: random() }))
    .sort((one, other) => one.order - other.order)
    .slice(0, count)
    .map(({ mutant }) => mutant)
}

/** mulberry32: the same numbers for the same seed. */
function randomFrom(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
