require('./newrelicSetup.cjs');
