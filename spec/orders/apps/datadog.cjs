require('./datadogSetup.cjs');
