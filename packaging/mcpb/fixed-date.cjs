// Loaded before the official packer, which stamps every file of a bundle with the present time: with the commit's time
// the same files give the same bundle, and so the same SHA-256 in server.json.
const moment = Number(process.env.SOURCE_DATE_EPOCH) * 1000;
const Present = Date;
globalThis.Date = class extends Present {
  constructor(...given) {
    super(...(given.length === 0 ? [moment] : given));
  }
};
