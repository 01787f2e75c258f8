// How every package refuses options that it does not know: the function stands where signatures are, below this package.
export {
  checkOption,
  checkOptions,
  checkOptionsOffPage,
  each,
  eachMember,
  nearestName,
  type OptionCheck,
  type OptionChecks,
  type OptionMembers,
  type OptionPlace,
  objectOr,
  restriction,
  wrongOption,
} from '@countersign/httpsig'
