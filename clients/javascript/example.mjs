// Which settings of Brotli make an answer smallest? Two at a time, by ask-tell.
import { bytes } from './compress.mjs';
import { minimise } from './hmserve.mjs';

const best = await minimise('brotli.json', 'Bytes', bytes, { askTell: true, workers: 2 });
console.log(best[0]);
